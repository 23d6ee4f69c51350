"""Rows of CSV tables as a department would hold them: made of text that repeats and of numbers that do not."""
import random

TITLE = "id,recorded,district,station,kind,state,easting,northing,amount,share\n"
DISTRICTS = ("Kunming", "Dali", "Lijiang", "Pu'er", "Zhaotong", "Qujing", "Yuxi", "Baoshan", "Honghe", "Wenshan", "Xishuangbanna", "Dehong",
             "Nujiang", "Diqing", "Lincang", "Chuxiong")
KINDS = ("pine", "oak", "mixed forest", "tea", "rubber", "grassland", "farmland", "water", "bamboo", "built")
STATES = ("surveyed", "estimated", "confirmed", "disputed")
DIGITS = bytes(b"0123456789"[value % 10] for value in range(256))
NUMBERS = b"0000.000,0000.000,0000.00,0.0000"


class Rows:
    """An endless table.  take() gives rows as a list of lines; the id runs on."""

    def __init__(self, seed):
        self.random = random.Random(f"rows {seed}")
        self.next = self.random.randrange(1, 1000) * 1000
        places = [f"{district},{district[:2].upper()}{number:03d}" for district in DISTRICTS for number in range(40)]
        self.heads = [f",20{year}-{month:02d}-{day:02d}," + place
                      for year in (24, 25) for month in range(1, 13) for day in (3, 17) for place in self.random.sample(places, 40)]
        self.tails = [f",{kind},{state}," for kind in KINDS for state in STATES]

    def numbers(self, count):
        """@count texts like NUMBERS, with digits that nothing foretells."""
        width = len(NUMBERS)
        block = bytearray(NUMBERS * count)
        for place in (place for place, sign in enumerate(NUMBERS) if sign == ord("0")):
            block[place::width] = self.random.randbytes(count).translate(DIGITS)
        text = block.decode()
        return [text[start:start + width] for start in range(0, count * width, width)]

    def take(self, count):
        ids = map(str, range(self.next, self.next + count))
        self.next += count
        heads, tails = self.random.choices(self.heads, k=count), self.random.choices(self.tails, k=count)
        return list(map("".join, zip(ids, heads, tails, self.numbers(count))))

    def fill(self, file, size):
        """Writes whole rows to the binary @file, about @size bytes, in blocks."""
        while size > 0:
            rows = self.take(max(1, min(20000, size // 75)))
            block = ("\n".join(rows) + "\n").encode()
            file.write(block)
            size -= len(block)


def edited(row, dice):
    """The row with another amount."""
    head, _, share = row.rpartition(",")
    return f"{head.rpartition(',')[0]},{dice.randrange(10000):04d}.{dice.randrange(100):02d},{share}"
