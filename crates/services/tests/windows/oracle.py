"""What is open, by another clock: Python's zoneinfo, and a definition instead of an algorithm.

A minute is open in a window [start, end) of a local day when the wall clock shows that day, at or after start and before
end; after the last time the clock showed start; and before the first time it showed end. (The clock shows a minute twice
when it is set back; both edges are then taken strictly.)

Reads JSON lines {zone, from, to, week, open} from standard input, with moments in minutes since 1970 and week as seven lists
of [start, end]. Prints one JSON line per zone that differs, and a last one with the counts.
"""
import json
import sys
import zoneinfo
from datetime import date, datetime, timedelta, timezone

STEP = 15  # No zone changes its clock twice in a quarter of an hour.
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def offset(zone, minute):
    seconds = (EPOCH + timedelta(minutes=minute)).astimezone(zone).utcoffset().total_seconds()
    assert seconds % 60 == 0, f"{zone} has an offset with seconds"
    return int(seconds) // 60


def segments(zone, start, end):
    """Stretches of time with one offset: (first minute, minute after the last, offset)."""
    out, first, here = [], start, offset(zone, start)
    minute = start
    while minute < end:
        after = min(minute + STEP, end)
        there = offset(zone, after)
        if there != here:
            low, high = minute, after  # The offset is `here` at low and `there` at high.
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(zone, middle) == here else (low, middle)
            out.append((first, high, here))
            first, here = high, there
        minute = after
    out.append((first, end, here))
    return out


def open_minutes(stretches, week, start, end):
    """Every open stretch of minutes, merged."""
    found = []
    first_day = (start + stretches[0][2]) // 1440 - 1
    last_day = (end + stretches[-1][2]) // 1440 + 1
    at = 0
    for day in range(first_day, last_day + 1):
        weekday = date.fromordinal(719163 + day).weekday()
        # Only stretches near this day can show it.
        while at + 1 < len(stretches) and stretches[at][1] < (day - 2) * 1440:
            at += 1
        near = [s for s in stretches[at:at + 6] if s[0] <= (day + 3) * 1440]
        for opens, closes in week[weekday]:
            opens, closes = day * 1440 + opens, day * 1440 + closes
            shown = lambda wall: [wall - by for (a, b, by) in near if a <= wall - by < b]
            not_before = max(shown(opens), default=start)
            not_after = min(shown(closes), default=end)
            for a, b, by in near:
                low, high = max(a, opens - by, not_before), min(b, closes - by, not_after)
                if low < high:
                    found.append((low, high))
    found.sort()
    merged = []
    for low, high in found:
        if merged and low <= merged[-1][1]:
            merged[-1][1] = max(high, merged[-1][1])
        else:
            merged.append([low, high])
    return [[max(a, start), min(b, end)] for a, b in merged if min(b, end) > max(a, start)]


def main():
    minutes, differences, unknown, cache = 0, 0, [], {}
    for line in sys.stdin:
        job = json.loads(line)
        name, start, end = job["zone"], job["from"], job["to"]
        if name not in cache:
            try:
                # A margin of three days: windows at the edges see their whole day.
                cache = {name: segments(zoneinfo.ZoneInfo(name), start - 4320, end + 4320)}
            except zoneinfo.ZoneInfoNotFoundError:
                unknown.append(name)
                continue
        ours = open_minutes(cache[name], job["week"], start, end)
        minutes += end - start
        if ours != job["open"]:
            here, there = {tuple(x) for x in ours}, {tuple(x) for x in job["open"]}
            wrong = sorted(here ^ there)
            differences += 1
            print(json.dumps({"zone": name, "week": job["week"][0], "oracle": sorted(here - there)[:3], "belfry": sorted(there - here)[:3], "stretches": len(wrong)}))
    try:
        import tzdata
        version = tzdata.IANA_VERSION
    except ImportError:
        with open(zoneinfo.TZPATH[0] + "/tzdata.zi", encoding="utf-8") as file:
            version = file.readline().split()[-1]
    print(json.dumps({"minutes": minutes, "differences": differences, "unknown": sorted(set(unknown)), "tzdata": version}))


main()
