"""Shells of messages: the modem and its PDUs, other ways out, and the worker that drives the outbox."""
