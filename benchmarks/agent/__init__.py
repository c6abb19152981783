"""Processor time and memory of one box with four full buses."""
