"""The views: widgets that draw in the browser, each with a still form, a table and exports."""
