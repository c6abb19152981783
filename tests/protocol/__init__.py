"""Tests of what box and centre must agree on."""
