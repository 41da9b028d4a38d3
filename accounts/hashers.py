"""How passwords are hashed."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class PortalArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id at OWASP's floor: 19 MiB, two passes, one lane, about 30 ms; Django's default takes eight times that."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
