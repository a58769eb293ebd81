"""Case references: short, random, and easy to read out on the telephone."""

import secrets

# Crockford's alphabet: no I, L, O or U, so that nothing is mistaken for a digit and nothing spells a word.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_reference() -> str:
    """Eight random letters in two groups, e.g. `K7QX-2M9F`: one of 10^12, so it says nothing and cannot be guessed."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"
