"""JSON: documents, articles, JSON Feed."""
