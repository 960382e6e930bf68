"""E-mail: a message leaves by SMTP. Nothing comes in, and nobody can read it back."""
