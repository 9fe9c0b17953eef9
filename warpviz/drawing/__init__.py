"""Pictures and pages from strings: vector graphics and HTML, without a library or a browser."""
