"""Stories: how the text of an article is recognised again when others publish it, too."""
