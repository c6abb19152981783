"""Commands of `cloud-server`, by what they are about: what each does and says. Printing is the command line's."""
