"""Commands of `cloud-server` about memory lost: what each does and says. Printing is the command line's."""
