"""Channels of Mirth Connect and Open Integration Engine, turned into modules of a configuration.

The export file is read as published by its users: documentation, forums and exports. What is unmistakable becomes
Python; everything else is kept as comments, with a statement that fails, and stands in the report.

    export       the XML of one file -> Channel values
    javascript   a small part of JavaScript -> a tree (syntax)
    expressions, statements    the tree -> Python, with what a Scope knows
    steps        filter rules and transformer steps -> functions
    sources, destinations      connectors -> declarations
    module       a Channel -> the text of a module
    report       what was translated, what was not, and why
    project      the files of a configuration repository
"""
