"""The views: small widgets that draw in the browser, with a still form, a table and exports
each.
"""
