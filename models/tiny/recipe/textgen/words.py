"""Pools of words. Each is a plain list in a fixed order, so that a seed fixes the text."""

NAMES_F = """Anna Mia Lena Sara Nora Ella Ruth Clara Ivy Maya Zoe Lucy Emma Olga Rosa Nina Jane Alice Eva Hanna Iris
Julia Kate Laura Marta Naomi Paula Rita Sofia Tina Vera Wendy Yara Amina Bella Carla Dora Edith Fiona Greta Helen
Ingrid Joan Kira Leila Molly Olive Priya Quinn Stella""".split()
NAMES_M = """Tom Ben Leo Max Sam Omar Paul Noah Finn Jack Adam Carl David Emil Frank George Hugo Ivan Jonas Karl Luca
Mark Nils Oscar Peter Ravi Simon Theo Victor Will Yusuf Alan Boris Chen Dan Eric Felix Gus Henry Ian Jim Kurt Liam
Martin Nathan Otto Pablo Rob Stefan Tim""".split()
NAMES = [n for pair in zip(NAMES_F, NAMES_M) for n in pair]

CITIES = """Paris London Berlin Rome Madrid Vienna Oslo Lisbon Dublin Athens Prague Warsaw Cairo Tokyo Delhi Lima
Boston Chicago Denver Seattle Toronto Sydney Zurich Geneva Munich Hamburg Milan Naples Turin Porto Seville Bergen
Helsinki Stockholm Copenhagen Brussels Amsterdam Rotterdam Lyon Nice Leeds Bristol York Glasgow Cardiff Austin Dallas
Houston Miami Phoenix Quito Bogota Havana Nairobi Lagos Accra Tunis Dakar Seoul Osaka Kyoto Hanoi Manila Jakarta
Mumbai Perth Auckland Riga Tallinn Vilnius Sofia Zagreb Krakow Budapest""".split()

JOBS = """teacher doctor nurse baker farmer painter pilot lawyer driver cook writer singer dancer actor engineer
plumber carpenter gardener librarian scientist student waiter tailor dentist sailor soldier judge clerk mechanic
photographer designer programmer builder butcher fisher potter florist barber coach guide""".split()

ANIMALS = """fox owl bear rabbit mouse cat dog horse turtle frog duck goat sheep cow pig hen wolf deer squirrel
hedgehog badger otter beaver penguin seal whale dolphin crab snail bee ant spider butterfly sparrow robin crow eagle
parrot swan goose lion tiger elephant giraffe monkey zebra camel donkey kitten puppy""".split()

FOODS = """apple pear plum banana cherry lemon orange peach grape melon berry carrot potato tomato onion pepper bean
pea corn bread cheese butter egg milk honey rice soup cake pie cookie muffin pancake noodle salad sandwich jam tea
coffee juice chocolate nut mushroom pumpkin garlic""".split()

THINGS = """lamp chair table book pencil pen ball box bag hat coat shoe sock ring clock key map coin cup plate bowl
spoon fork knife bottle basket blanket pillow mirror candle ladder rope hammer nail brush bell drum flute guitar
violin piano kite doll puzzle stamp letter card ticket camera phone radio bicycle boat train car bus wagon wheel
umbrella lantern scarf glove button ribbon shell stone feather leaf seed flower""".split()

COLOURS = "red blue green yellow black white brown grey purple pink orange silver golden turquoise".split()

PLACES = """river lake forest mountain valley island beach desert meadow garden village town harbour castle bridge
tower cave field farm mill market school library museum station kitchen attic cellar park hill""".split()

NATURE = """sun moon star cloud rain snow wind storm thunder fog ice fire water earth sand tree branch root grass moss
rose tulip daisy lily oak pine birch maple willow river ocean wave summer winter spring autumn morning evening
night""".split()

ADJECTIVES = """big small tall short long wide narrow young old new quick slow warm cold hot cool soft hard bright
dark quiet loud happy sad brave shy kind clever lazy busy hungry sleepy proud gentle wild calm clean dirty empty full
heavy light rich poor sharp smooth rough sweet sour bitter fresh dry wet thick thin deep early late simple
strange""".split()

VERBS = """run walk jump swim climb sing dance read write draw paint cook bake eat drink sleep dream think learn teach
play work build break carry throw catch push pull open close start stop find lose buy sell give take send bring keep
hold watch listen speak laugh smile cry wait help follow travel visit""".split()

HOBBIES = """chess swimming reading painting cooking running cycling dancing singing gardening fishing sailing skating
knitting drawing climbing tennis football hiking photography pottery baking""".split()

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()

LIST_WORDS = sorted(set(ANIMALS + FOODS + THINGS + COLOURS + PLACES + NATURE + ADJECTIVES + VERBS))

_EXTRA = """hello world computer strawberry banana programming language keyboard window house friend family people
mother father brother sister teacher student question answer number letter sentence word story music picture game
science history nature energy power machine robot engine model token cycle draft memory garden rainbow elephant
mississippi bookkeeper balloon committee success address coffee yellow purple orange level radar noon kayak civic
refrigerator umbrella calendar february wednesday library chocolate vegetable restaurant beautiful different important
together tomorrow yesterday birthday holiday mountain adventure dinosaur astronaut butterfly hippopotamus giraffe
crocodile alphabet pineapple watermelon blueberry raspberry sunshine moonlight newspaper notebook""".split()
SPELL_WORDS = sorted(set(LIST_WORDS + _EXTRA + [n.lower() for n in NAMES + CITIES] + JOBS + HOBBIES))

_ONSET = "b c d f g h j k l m n p r s t v w z br ch cl cr dr fl gr pl pr sh sl sp st th tr".split()
_NUCLEUS = "a e i o u a e i o u ai ea ee oo ou".split()
_CODA = ["", "", "", "n", "r", "l", "s", "t", "m", "k", "d", "nd", "st", "x"]


def invented(rng, low=1, high=3) -> str:
    """A pronounceable word that need not exist."""
    return "".join(rng.choice(_ONSET) + rng.choice(_NUCLEUS) + rng.choice(_CODA) for _ in range(rng.randint(low, high)))


def person(rng) -> str:
    """A first name; now and then one that no list holds."""
    return invented(rng, 2, 3).capitalize() if rng.random() < 0.12 else rng.choice(NAMES)


def pronouns(name: str) -> tuple[str, str, str]:
    """(she, her, her), (he, him, his) or, for other names, (they, them, their)."""
    if name in _F:
        return "she", "her", "her"
    return ("he", "him", "his") if name in _M else ("they", "them", "their")


_F, _M = set(NAMES_F), set(NAMES_M)
