"""Dates that fit beside a title and into a sentence: Django's own begin with a capital, "Ngày 05 tháng 11 năm 2026"."""

DATE_FORMAT = r"j \t\há\n\g n, Y"
