"""The distributed set-up without Docker: what ``docker-compose.yml`` says, as processes here."""
