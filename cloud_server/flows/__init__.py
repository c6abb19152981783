"""The centre's stories, one file each: what happens in which order. They decide with cores and act through ports."""
