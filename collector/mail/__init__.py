"""Mails: who gets which, those that wait, and their way out."""
