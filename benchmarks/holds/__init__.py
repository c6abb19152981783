"""How long work that nobody waits for keeps those who sell waiting, on a city of sixty thousand accounts."""
