"""The way to the centre: who we are, and one worker that speaks HTTPS. Home of httpx on this side."""
