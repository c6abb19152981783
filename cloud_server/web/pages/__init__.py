"""One module a page or family of pages: takes a visit, asks the ports, answers with a template. No rules of money."""
