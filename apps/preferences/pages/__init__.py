"""Pages for people: what those of all apps share.

In: a request, texts by key, the company's name, colour and logo from the settings. Out: a page in
the person's language, light or dark, without JavaScript. Imported by ``apps.topics``, by
``apps.delivery`` (texts of mails) and by ``apps.pages``.
"""
