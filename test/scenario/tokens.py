"""Tokens and key files for tests: HMAC needs nothing but the library."""
import base64
import hashlib
import hmac
import json
import time


def encode(data):
    if not isinstance(data, bytes):
        data = json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """One HS256 key; `kid` None is a key for any token."""

    def __init__(self, kid=None, secret=None):
        self.kid = kid
        self.secret = secret or hashlib.sha256(
            f"secret of {kid}".encode()).digest()

    def jwk(self):
        return {"kty": "oct", "alg": "HS256", "k": encode(self.secret),
                **({"kid": self.kid} if self.kid else {})}

    def sign(self, header=None, **claims):
        """A token; claims default to a user of one hour."""
        claims = {"sub": "anna", "exp": int(time.time()) + 3600, **claims}
        claims = {k: v for k, v in claims.items() if v is not None}
        header = {"alg": "HS256", **({"kid": self.kid} if self.kid else {}),
                  **(header or {})}
        signed = encode(header) + "." + encode(claims)
        tag = hmac.new(self.secret, signed.encode(), hashlib.sha256).digest()
        return signed + "." + encode(tag)


def write_keys(path, *keys):
    """Replaces the file in one step, as a rotation should."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"keys": [key.jwk() for key in keys]}))
    fresh.chmod(0o600)
    fresh.rename(path)


def subprotocol(token):
    """The header a browser's client sends a token in."""
    wrapped = base64.b64encode(token.encode()).rstrip(b"=").decode()
    return ("Sec-WebSocket-Protocol: phoenix, "
            f"base64url.bearer.phx.{wrapped}",)
