"""Two short lists to begin with. What an administrator changes or deletes stays so: they are added once.

Left out on purpose, because they mean something else at least as often: in English "ass", "cock", "dick", "fag", "slut"
(Swedish: end); in Vietnamese "chim", "bướm", "cu", "óc chó" (walnut), "chó", and everything without its marks
("dit", "du", "lon": other words, also of other languages).
"""

from django.db import migrations

NOTE = "Came with the site. Switch the whole list off above, or single entries under Entries; nothing brings them back."
LISTS = [
    {
        "name": "Coarse words, English",
        "language": "en",
        "standard": [
            "fuck", "fucks", "fucked", "fucker", "fuckers", "fucking",
            "motherfucker", "motherfuckers", "motherfucking",
            "shit", "shits", "shitty", "bullshit",
            "asshole", "assholes", "cunt", "cunts", "dickhead", "dickheads", "twat", "wanker", "wankers",
            "son of a bitch",
        ],
        "strict": ["bastard", "bastards", "bitch", "bitches", "crap", "damn", "goddamn", "piss off", "whore", "whores"],
    },
    {
        "name": "Coarse words, Vietnamese",
        "language": "vi",
        "standard": ["địt", "đụ", "lồn", "cặc", "buồi", "đéo", "con đĩ", "đĩ điếm", "đcm", "đkm"],
        "strict": ["chết tiệt", "khốn nạn", "mẹ kiếp", "mất dạy", "vcl", "vkl"],
    },
]


def add(apps, schema_editor):
    TermList, Term = apps.get_model("moderation", "TermList"), apps.get_model("moderation", "Term")
    for given in LISTS:
        made = TermList.objects.create(name=given["name"], language=given["language"], action="mask", note=NOTE)
        Term.objects.bulk_create(
            Term(list=made, text=text, kind="word", action="mask", level=level)
            for level in ("standard", "strict")
            for text in given[level]
        )


class Migration(migrations.Migration):
    dependencies = [("moderation", "0001_initial")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
