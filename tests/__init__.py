"""Tests of every kind, each in its place: README.md in this folder says which goes where."""
