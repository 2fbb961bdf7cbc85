"""Securities that an article names: from its text, its links and a site's marks."""
