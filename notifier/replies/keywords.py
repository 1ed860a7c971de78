"""The words by which people stop and resume text messages, and what they are answered."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from notifier.domain.characters import any_visible
from notifier.replies import LONGEST_TEXT, Kind
from notifier.templates.locales import lookup

#: The language of texts for people whose own has none.
DEFAULT = "en"
#: By language and kind. The English ones of ``stop`` and ``start``, and STOP in every language, are
#: Twilio's and the CTIA's, ARRET is what Canadian carriers ask for. Words of everyday answers
#: ("ja", "oui") are in none but Twilio's own YES.
WORDS: Mapping[str, Mapping[Kind, tuple[str, ...]]] = {
    "en": {
        Kind.STOP: (
            *("STOP", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPT OUT"),
            "REMOVE",
        ),
        Kind.START: ("START", "UNSTOP", "YES"),
        Kind.HELP: ("HELP", "INFO"),
    },
    "de": {
        Kind.STOP: ("STOPP", "ABMELDEN", "ABBESTELLEN", "ENDE", "BEENDEN", "AUSTRAGEN"),
        Kind.START: ("STARTEN", "ANMELDEN"),
        Kind.HELP: ("HILFE",),
    },
    "fr": {
        Kind.STOP: (
            *("ARRÊT", "ARRETT", "ARRÊTE", "ARRÊTER", "ARRÊTEZ", "ANNULER", "FIN"),
            *("DÉSABONNER", "DÉSABONNEMENT", "DÉSINSCRIRE", "DÉSINSCRIPTION"),
        ),
        Kind.START: ("DÉBUT", "COMMENCER", "REPRENDRE"),
        Kind.HELP: ("AIDE",),
    },
    "es": {
        Kind.STOP: ("ALTO", "PARAR", "PARE", "CANCELAR", "BAJA", "FIN", "TERMINAR"),
        Kind.START: ("INICIAR", "INICIO", "ALTA", "COMENZAR"),
        Kind.HELP: ("AYUDA",),
    },
    "it": {
        Kind.STOP: ("FERMA", "BASTA", "ANNULLA", "DISISCRIVI", "CANCELLA"),
        Kind.START: ("INIZIA", "RIPRENDI"),
        Kind.HELP: ("AIUTO",),
    },
    "nl": {
        Kind.STOP: ("STOPPEN", "AFMELDEN", "UITSCHRIJVEN"),
        Kind.START: ("AANMELDEN", "HERVATTEN"),
        Kind.HELP: ("HULP",),
    },
    "pt": {
        Kind.STOP: ("PARAR", "PARE", "SAIR", "CANCELAR"),
        Kind.START: ("INICIAR", "VOLTAR"),
        Kind.HELP: ("AJUDA",),
    },
}
#: Words that no file can take away: carriers ask for them of every sender.
KEPT = {Kind.STOP: "STOP", Kind.START: "START", Kind.HELP: "HELP"}
#: Characters of the longest word; a longer text is none.
LONGEST_WORD = 40
#: Greek and Cyrillic capitals that look like Latin ones. Phones write such Greek ones as Latin in
#: the GSM alphabet; a Cyrillic one gets in where somebody's keyboard is set to it.
_LOOKALIKES = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧАВЕКМНОРСТУХІЈЅ", "ABEZHIKMNOPTYXABEKMHOPCTYXIJS")


def fold(text: str) -> str:
    """Return the letters and digits of a text, one way for all that look the same.

    Case, accents, spaces, punctuation, invisible characters, full width and lookalikes of other
    alphabets make no difference.
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).upper())
    return "".join(one for one in plain if one.isalnum()).translate(_LOOKALIKES)


@dataclass(frozen=True, slots=True)
class Found:
    """A keyword. ``languages``: those that have it, the default first."""

    kind: Kind
    languages: tuple[str, ...]


class Keywords:
    """The words of every language, and the answers.

    ``changes``: by language, then kind, ``words`` in place of the built-in ones and an ``answer``:
    ``{"de": {"stop": {"words": ["RAUS"], "answer": "…"}}}``. There are no answers without it.

    Raises ``ValueError`` with a sentence for people who wrote it.
    """

    def __init__(self, changes: Mapping[str, Any] | None = None) -> None:
        words = {language: dict(kinds) for language, kinds in WORDS.items()}
        self._answers: dict[Kind, dict[str, str]] = {kind: {} for kind in KEPT}
        for language, kind, entry in _entries(changes or {}):
            if "words" in entry:
                words.setdefault(language, {})[kind] = tuple(_words(language, kind, entry))
            if "answer" in entry:
                self._answers[kind][language] = _answer(language, kind, entry["answer"])
        english = words[DEFAULT]
        for kind, word in KEPT.items():
            english[kind] = (word, *english[kind])
        self._found: dict[str, Found] = {}
        for language in sorted(words, key=lambda name: (name != DEFAULT, name)):
            for kind, some in words[language].items():
                for word in dict.fromkeys(map(fold, some)):
                    self._add(word, kind, language)

    def find(self, text: str) -> Found | None:
        """Return the keyword that is the whole of ``text``, ``None`` if it is none."""
        text = text.strip()
        return self._found.get(fold(text)) if len(text) <= 2 * LONGEST_WORD else None

    def answers(self, kind: Kind) -> bool:
        """Return whether there is an answer to words of a kind."""
        return bool(self._answers.get(kind))

    def answer(self, kind: Kind, found: Found | None, locale: str) -> str:
        """Return the answer to a keyword; empty if there is none.

        In the language of the word that was written, unless that is understood everywhere, then in
        the person's, then in the default one.
        """
        texts = self._answers.get(kind, {})
        wanted = [locale]
        if found is not None and not {DEFAULT, locale.partition("-")[0]} & {*found.languages}:
            wanted = [*found.languages, locale]
        for language in wanted:
            if chosen := lookup(language, "", [*texts, ""]):
                return texts[chosen]
        return texts.get(DEFAULT, "")

    def _add(self, word: str, kind: Kind, language: str) -> None:
        known = self._found.get(word)
        if known is not None and known.kind is not kind:
            raise ValueError(f"{word} is both a word for {known.kind} and one for {kind}.")
        languages = known.languages if known else ()
        self._found[word] = Found(kind, (*languages, language))


def _entries(changes: Mapping[str, Any]) -> Iterator[tuple[str, Kind, Mapping[str, Any]]]:
    for language, kinds in changes.items():
        if not isinstance(kinds, dict) or not language:
            raise ValueError(f"{language!r} has to be a language with an object of kinds.")
        for name, entry in kinds.items():
            kind = next((kind for kind in KEPT if kind == name), None)
            if kind is None:
                raise ValueError(f"{language} has {name!r}: there are {', '.join(KEPT)}.")
            if not isinstance(entry, dict) or entry.keys() - {"words", "answer"}:
                raise ValueError(f"{language}.{kind} has to be an object of words and answer.")
            yield language, kind, entry


def _words(language: str, kind: Kind, entry: Mapping[str, Any]) -> Iterable[str]:
    words = entry["words"]
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError(f"{language}.{kind}.words has to be a list of texts.")
    for word in words:
        if not fold(word) or len(word) > LONGEST_WORD:
            raise ValueError(
                f"{language}.{kind}.words has {word[:LONGEST_WORD]!r}: a word has letters or "
                f"digits, and at most {LONGEST_WORD} characters."
            )
    return words


def _answer(language: str, kind: Kind, text: object) -> str:
    if not isinstance(text, str) or not any_visible(text) or len(text) > LONGEST_TEXT:
        raise ValueError(
            f"{language}.{kind}.answer has to be a text of at most {LONGEST_TEXT} characters."
        )
    if any(unicodedata.category(one) in ("Cc", "Cs") and one != "\n" for one in text):
        raise ValueError(f"{language}.{kind}.answer has a control character.")
    return text
