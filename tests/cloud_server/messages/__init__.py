"""Messages: PDUs, the modem on a pty, the outbox, texts and the other ways."""
