"""What the tools do not keep by themselves: rules on the tree, read from its syntax and its text.

Every rule is a plain function from a source to its breaches, and every rule has a test that shows it failing on a
planted breach. Directions between packages are import-linter's (pyproject.toml); `test_import_contracts` shows that
those can fail too.
"""
