"""The token endpoint: client credentials for one tenant and one application."""

import secrets
import threading
from urllib.parse import parse_qs

from emulator.azure.wire import AzureError, Call, Reply

CLIENT_ID = "c11e0000-0000-4000-8000-0000000000d0"
# the local Azure's only application; its secrets open nothing elsewhere
CLIENT_SECRET = "demo-application-password"  # noqa: S105
EXPIRED_SECRET = "demo-application-password-of-last-year"  # noqa: S105
LIFE_S = 3599


class Identity:
    """Issues bearer tokens and knows which audience each was issued for."""

    def __init__(self, tenant_id: str) -> None:
        self.tenant_id = tenant_id
        self._lock = threading.Lock()
        self._audiences: dict[str, str] = {}

    def discovery(self, call: Call, tenant: str) -> Reply:
        """The tenant's OpenID configuration; a token can be asked for in any tenant that is looked up."""
        if tenant.lower() != self.tenant_id.lower():
            message = f"AADSTS90002: Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
            return _refusal(400, "invalid_tenant", 90002, message)
        place = f"{call.base}/{tenant}"
        return Reply(
            200,
            {
                "token_endpoint": f"{place}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "authorization_endpoint": f"{place}/oauth2/v2.0/authorize",
                "issuer": f"{place}/v2.0",
                "jwks_uri": f"{place}/discovery/v2.0/keys",
            },
        )

    def token(self, call: Call, tenant: str) -> Reply:
        """Exchange the application's secret for a token of the audience that the scope names."""
        form = {name: values[-1] for name, values in parse_qs(call.body.decode()).items()}
        if tenant.lower() != self.tenant_id.lower():
            return _refusal(400, "invalid_request", 90002, f"AADSTS90002: Tenant '{tenant}' not found.")
        if form.get("client_id") != CLIENT_ID:
            message = (
                f"AADSTS700016: Application with identifier '{form.get('client_id')}' was not found in the directory."
            )
            return _refusal(400, "unauthorized_client", 700016, message)
        if form.get("client_secret") == EXPIRED_SECRET:
            message = "AADSTS7000222: The provided client secret keys for app are expired."
            return _refusal(401, "invalid_client", 7000222, message)
        if form.get("client_secret") != CLIENT_SECRET:
            return _refusal(401, "invalid_client", 7000215, "AADSTS7000215: Invalid client secret provided.")
        issued = secrets.token_urlsafe(24)
        with self._lock:
            self._audiences[issued] = form.get("scope", "").removesuffix("/.default").rstrip("/")
        return Reply(
            200, {"token_type": "Bearer", "expires_in": LIFE_S, "ext_expires_in": LIFE_S, "access_token": issued}
        )

    def check(self, call: Call, audience: str) -> None:
        """Let a call with a token for this audience through; raises Azure's 401 otherwise."""
        header = call.headers.get("authorization", "")
        with self._lock:
            issued_for = self._audiences.get(header.removeprefix("Bearer "))
        challenge = {
            "WWW-Authenticate": f'Bearer authorization_uri="{call.base}/{self.tenant_id}", error="invalid_token"'
        }
        if not header:
            raise AzureError(
                401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.", challenge
            )
        if issued_for is None:
            raise AzureError(401, "InvalidAuthenticationToken", "The access token is invalid.", challenge)
        if issued_for != audience:
            message = f"The access token has been obtained for wrong audience or resource '{issued_for}'."
            raise AzureError(401, "InvalidAuthenticationTokenAudience", message, challenge)


def _refusal(status: int, code: str, number: int, message: str) -> Reply:
    return Reply(status, {"error": code, "error_description": message, "error_codes": [number]})
