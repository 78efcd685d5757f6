"""From a question to the SQL that answers it, and from its rows to the answer."""
