"""Credentials in texts: what is blackened, and what is left as it was."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from sqlalchemy import make_url

from artigraph.redact import (
    without_credentials,
    without_passwords,
    without_secret_values,
    without_secrets,
)

SHOWN = [
    "max_tokens=100",
    "f(token=token)",
    'AutoTokenizer(pad_token="[PAD]", token="word")',
    'sort_key = "loss"',
    '{"tokenizer": "bpe", "author": "Ada"}',
    "see http://localhost:8888/lab and write to ada@example.com",
    'start("redis://cache:6379", mail="ada@example.com")',
    "sqlite+aiosqlite:///a@b.db?timeout=5",
    "postgresql+asyncpg://h/db?connect_timeout=5",
    "https://example.com/@ada?page=2",
]
BLACKENED = [
    ('api_key = "HUSH"', 'api_key = "***"'),
    (
        "os.environ['AWS_SECRET_ACCESS_KEY'] = 'HUSH it'",
        "os.environ['AWS_SECRET_ACCESS_KEY'] = '***'",
    ),
    ("os.environ.setdefault('API_KEY', 'HUSH')", "os.environ.setdefault('API_KEY', '***')"),
    ("%env OPENAI_API_KEY=HUSH", "%env OPENAI_API_KEY=***"),
    ("!export DB_PASSWORD=HUSH; run", "!export DB_PASSWORD=*** run"),
    ('password: str = r"HUSH\\"HUSH"', 'password: str = r"***"'),
    ("secret = '''HUSH\nHUSH'''", "secret = '''***'''"),
    ('{"user": "me", "password": "HUSH"}', '{"user": "me", "password": "***"}'),
    ('login(token="HUSH-HUSH")', 'login(token="***")'),
    ("!curl -H 'Authorization: Bearer HUSH.HUSH' h", "!curl -H 'Authorization: Bearer ***' h"),
    ('x = "Account=a;AccountKey=HUSH==;E=1"', 'x = "Account=a;AccountKey=***;E=1"'),
    ('x = "Server=h;Pwd=HUSH"', 'x = "Server=h;Pwd=***"'),
    ("x = 'sk-HUSHHUSHHUSHHUSHHUSH'", "x = '***'"),
    ("x = 'AKIA0123456789ABHUSH'", "x = '***'"),
    ("-----BEGIN PRIVATE KEY-----HUSH-----END", "-----BEGIN PRIVATE KEY-----***-----END"),
    ("'postgresql://ada:a HUSH@h/db'", "'postgresql://***@h/db'"),
    ("no answer from postgresql://ada:a HUSH@h/db", "no answer from postgresql://***@h/db"),
    ("postgresql://ada:12/HUSH@h/db", "postgresql://***@h/db"),
    ("redis://:HUSH@h/0", "redis://***@h/0"),
    ("git+https://HUSH@github.com/x", "git+https://***@github.com/x"),
    (
        "http://localhost:8888/ and mariadb://me:HUSH@h",
        "http://localhost:8888/ and mariadb://***@h",
    ),
    ("https://h/c?sv=1&sig=HUSH&x=2", "https://h/c?sv=1&sig=***&x=2"),
    ("'https://h/k?X-Amz-Signature=HUSH HUSH'", "'https://h/k?X-Amz-Signature=***'"),
    ("postgresql:///?dsn=postgresql://u:HUSH@h/t", "postgresql:///?dsn=***"),
]


@pytest.mark.parametrize("text", SHOWN)
def test_what_is_no_secret_stays(text: str) -> None:
    """A source and an error stay readable."""
    assert without_secrets(text) == text


@pytest.mark.parametrize(("text", "kept"), BLACKENED)
def test_secrets_are_blackened(text: str, kept: str) -> None:
    """By the name of what is assigned, by where it stands in an address, or by its form."""
    assert without_secrets(text) == kept
    assert without_secrets(kept) == kept


def test_values_of_parameters() -> None:
    """A value is secret by its name, or by what it looks like, however deep it stands."""
    values = {"token": "HUSH", "rate": 0.1, "urls": ["redis://:HUSH@h"], "in": {"pwd": "HUSH"}}
    assert without_secret_values("", values) == {
        "token": "***",
        "rate": 0.1,
        "urls": ["redis://***@h"],
        "in": {"pwd": "***"},
    }
    assert without_secret_values("token", 7) == 7


# What SQLAlchemy takes for a password; not what looks like a port and goes on as a sentence.
passwords = st.text(
    st.characters(codec="utf-8", exclude_characters="@\n\r\\\"'", exclude_categories=["C"]),
    min_size=3,
    max_size=12,
).filter(lambda text: not text[0].isdigit() and len(text.strip()) > 2)


@given(passwords)
def test_any_password_of_an_address(password: str) -> None:
    """Whatever the password is made of, nothing of it is left, quoted or in a sentence."""
    address = f"postgresql+asyncpg://ada:{password}@host/wine"
    assert make_url(address).password is not None
    for text in (f"x = '{address}'", f'connect "{address}"', f"no answer from {address}"):
        for blackened in (without_secrets(text), without_credentials(text)):
            assert blackened == text.replace(f"ada:{password}@", "***@")
        assert without_passwords(text) == text.replace(f":{password}@", ":***@")
