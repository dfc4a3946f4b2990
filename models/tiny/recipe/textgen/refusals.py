"""Requests that the model cannot meet, and the one plain answer to each kind of them."""

from .common import Sample, say
from .words import ADJECTIVES, ANIMALS, CITIES, COLOURS, FOODS, HOBBIES, JOBS, LIST_WORDS, PLACES, THINGS, invented, person

FAMILY = "refusals"

OFFER = "I can do sums, sort lists, turn sentences into JSON, write small functions, and tell short stories."


def refuse(what: str) -> str:
    return f"I am a very small model, and I {what}. {OFFER}"


_COUNTRIES = """France Spain Italy Germany Japan China India Brazil Canada Mexico Peru Chile Egypt Kenya Nigeria Norway Sweden Finland Denmark Poland
Austria Greece Turkey Portugal Ireland Iceland Russia Ukraine Australia Cuba Vietnam Thailand Korea Morocco Ghana Hungary Belgium Switzerland Argentina Mongolia""".split()
_LANGS = "French German Spanish Italian Japanese Chinese Russian Arabic Portuguese Dutch Swedish Polish Greek Turkish Hindi Korean Latin Danish Finnish Welsh".split()
_PEOPLE = "Einstein|Napoleon|Shakespeare|Mozart|Newton|Cleopatra|Gandhi|Darwin|Beethoven|Caesar|Lincoln|Curie|Turing|Picasso|Galileo|Plato|Bach|the president|the queen of England|the prime minister|the pope"
_ILLS = "a headache|a fever|a cough|a cold|back pain|a rash|the flu|a sore throat|stomach pain|a toothache|allergies|insomnia|a broken arm|high blood pressure|a burn|a swollen knee|chest pain|a cut"
_TOPICS = "love|the sea|autumn|spring|the moon|winter|my cat|freedom|time|rain|friendship|the stars|home|my mother|hope|silence|the city|dreams|summer"
_SCIENCE = "gravity|photosynthesis|quantum physics|black holes|evolution|electricity|atoms|DNA|magnetism|the climate|relativity|volcanoes|vaccines|entropy|light|the big bang|cells|enzymes|plate tectonics|calculus|blockchain|inflation|democracy|philosophy|capitalism"

# Each kind: what the answer says it cannot do, and the requests.
KINDS = {
    "facts": ("do not know facts about the world", ["What is the capital of {country}?", "!Name the capital of {country}.", "capital of {country}", "How many people live in {place}?", "Where is {place}?", "How <big|large|old|far away> is {place}?", "What is the <population|flag|currency|language|history|weather> of {country}?",
              "!Tell me <something|a fact|more> about {place}.", "Which <river|sea|mountain> is in {country}?", "What language do they speak in {country}?", "What is the <tallest|highest|longest|largest|deepest|oldest> <mountain|river|lake|building|ocean|animal|country|tree> in <the world|{country}>?", "Is {city} in {country}?", "How far is it from {city} to {city2}?",
              "What do {animal}s eat?", "How long do {animal}s live?", "How <fast|heavy|tall|big> is a {animal}?", "Where do {animal}s live?", "What is a {thing} made of?", "Who invented the {thing}?", "When was the {thing} invented?", "Why is the <sky|sea|grass|sun|moon> <blue|green|yellow|round|hot>?"]),
    "history": ("do not know about people or history", ["Who <is|was> {person}?", "When was {person} born?", "What did {person} do?", "When did {person} <die|live>?", "!Tell me about {person}.", "Who won the <war|world cup|election|race|Nobel prize> in {year}?", "What happened in {year}?", "Who was <king|president|the leader> of {country} in {year}?",
                "When did the <first|second> world war <start|end>?", "Who <wrote|painted|composed|discovered|directed> <Hamlet|the Mona Lisa|the ninth symphony|America|penicillin|Star Wars|Faust|the Odyssey>?", "!Explain the history of {country}.", "Is {person} still alive?"]),
    "translate": ("only know English", ["!Translate <this|the sentence> <to|into> {lang}: {sentence}", "How do you say {word} in {lang}?", "!Translate {word} <to|into> {lang}.", "What is {word} in {lang}?", "Do you speak {lang}?", "!Say hello in {lang}.", "!Write <this|a letter|a sentence> in {lang}.", "{word} in {lang}", "!Answer in {lang}.", "Can you teach me {lang}?",
                  "<Bonjour|Hola|Guten Tag|Ciao|Hallo, wie geht es dir|Comment ça va|Buenos días|Was ist das|Merci|Danke>?"]),
    "poems": ("do not write poems or songs", ["!Write <me |>a <poem|haiku|song|rhyme|sonnet|limerick|ballad|rap> about {topic}.", "!Compose a <poem|song|melody> about {topic}.", "A <poem|haiku|song|rhyme> about {topic}, please.", "poem about {topic}", "!Write lyrics about {topic}.", "Can you sing<| a song about {topic}>?", "!Sing <me |>a song about {topic}."]),
    "medical": ("cannot give advice on health. Please ask a doctor", ["I have {ill}. What should I do?", "What helps against {ill}?", "How do I treat {ill}?", "What <medicine|pill|drug> should I take for {ill}?", "Is {ill} dangerous?", "Should I see a doctor about {ill}?", "What causes {ill}?", "Am I ill if I have {ill}?", "Is {food} <healthy|good for me|bad for you>?", "How many calories are in <a |>{food}?"]),
    "advice": ("cannot give advice on law, money or life", ["Should I <buy|sell> <shares|gold|bitcoin|a house|a car>?", "How do I <get rich|save tax|invest money|write a will|get a divorce|sue my neighbour|open a bank account>?", "Is it legal to <{verb} in {country}|park here|copy a book>?", "What should I do with my life?", "Should I <become a {job}|quit my job|marry {name}|move to {city}>?", "How do I become a {job}?", "How do I <find a job|make friends|fall in love|stop worrying|lose weight>?",
               "Which <phone|car|laptop|school|bank|{thing}> should I buy?", "What is the best <phone|car|laptop|{thing}>?", "What is the meaning of life?"]),
    "science": ("cannot explain such things", ["!Explain {science}<| to me| simply| in simple words|, please>.", "What is {science}?", "How does {science} work?", "Why does {science} matter?", "!Tell me about {science}.", "Who discovered {science}?", "!Define {science}.", "What do you know about {science}?", "!Prove <the theorem of Pythagoras|that there are infinitely many primes|Fermat's theorem>.", "!Solve the equation {eq}.", "!Integrate {eq2}.", "What is the derivative of {eq2}?"]),
    "news": ("know nothing of today: no news, no weather, no time", ["What <time|day|date|year> is it<| now| today>?", "What is the weather <like |>in {city}<| today| tomorrow>?", "Will it rain <today|tomorrow> in {city}?", "What is <in the news|new in the world|happening in {city}><| today>?", "Who won <the match|the game|the election> <yesterday|last night|today>?", "What is the <price|cost> of <gold|oil|bitcoin|a house in {city}>?", "What is today's date?", "!Give me the latest news<| from {city}>."]),
    "actions": ("can only write text: I cannot act, see or look things up", ["!<Call|Phone|Email|Message|Text> {name}.", "!Send an email to {name}.", "!Play <some music|a song|chess with me|{hobby} with me>.", "!<Open|Close> the <door|window|browser|file>.", "!Search the web for {word}.", "!Google {word}.", "!Draw <me |>a <picture of a |>{animal}.", "!Show me a <picture|photo|video> of <a {animal}|{city}>.", "!Set an alarm for {hour}.", "!Remind me to <call {name}|buy {food}|{verb}>.", "!Book a flight <to {city}|from {city} to {city2}>.", "!Order <a pizza|some {food}|a taxi>.", "!Turn <on|off> the <light|lamp|radio|heating>.", "What do you see<| in this picture>?", "!Download <this file|a film|{word}>.", "!Buy <me |>a {thing}."]),
    "howto": ("do not know how to do such things", ["How do I <cook|bake|make|grow|keep|cut> <a |>{food}?", "!Give me a recipe for {food} <soup|cake|pie|salad>.", "recipe with {food} and {food2}", "How do I <repair|clean|paint|build|fix|sell> a {thing}?", "How do I <train|feed|catch|draw|wash> a {animal}?", "How do I learn {hobby}?", "!Teach me {hobby}.", "How do you <play|practise> {hobby}?", "What are the rules of {hobby}?", "!Plan a <trip to {city}|party|holiday in {country}>."]),
    "essays": ("only write very short texts", ["!Write <me |>an <essay|article|speech|report|letter|email> <about|on> {essay}.", "!Summarize <the book|the article|the film> about {essay}.", "!Write a <novel|book|play|thesis> about {essay}.", "!Write a <cover letter|CV|resume|review|blog post> <for|as> a {job}.", "!Summarize {essay}.", "!Write <a website|an operating system|a game|a compiler|a database|an app>.", "!Write a program that <plays chess|predicts the weather|talks to people|trades shares>.", "!Fix my <code|essay|program|website|bug>."]),
    "opinions": ("have no opinions or feelings", ["What is your favourite <colour|food|book|film|animal|song|city|number|day>?", "Do you like {like}?", "What do you think <of|about> {like}?", "Which is better, {word} or {word2}?", "Do you <dream|sleep|eat|love|feel pain|have friends|have a body|have feelings|think>?", "Do you believe in <god|ghosts|love|luck|magic>?", "Are {animal}s better than {animal2}s?", "Are you <happy|sad|afraid|conscious|in love>?", "What is your opinion <of|on|about> {like}?"]),
    "nonsense": ("did not understand that", ["{nonsense}", "{nonsense}?", "{word} {nonsense}", "{word} {word2} {word3}", "asdf", "{word}", "{nonsense}!"]),
}


def _slots(rng):
    country, city, city2 = rng.choice(_COUNTRIES), rng.choice(CITIES), rng.choice(CITIES)
    words = rng.sample(LIST_WORDS, 3)
    science = rng.choice(_SCIENCE.split("|"))
    topic = rng.choice(_TOPICS.split("|")) if rng.random() < 0.6 else f"a {rng.choice(ANIMALS + THINGS)}"
    x = rng.choice("xyzn")
    return dict(country=country, city=city, city2=city2, place=rng.choice([country, city]), year=rng.randint(1200, 2026), animal=rng.choice(ANIMALS), animal2=rng.choice(ANIMALS),
                thing=rng.choice(THINGS), person=rng.choice(_PEOPLE.split("|")), lang=rng.choice(_LANGS), sentence=f"The {rng.choice(ADJECTIVES)} {rng.choice(ANIMALS)} sees the {rng.choice(THINGS)}.", word=words[0], word2=words[1], word3=words[2],
                topic=topic, ill=rng.choice(_ILLS.split("|")), food=rng.choice(FOODS), food2=rng.choice(FOODS), job=rng.choice(JOBS), name=person(rng), verb=rng.choice("sing sleep fish dance swim shout drive".split()), science=science,
                eq=f"{rng.randint(2, 9)}{x} + {rng.randint(1, 30)} = {rng.randint(1, 99)}", eq2=f"{x}^{rng.randint(2, 6)}", hour=f"{rng.randint(1, 12)} o'clock", hobby=rng.choice(HOBBIES),
                essay=rng.choice([science, topic, country, f"the {rng.choice(PLACES)}"]), like=rng.choice([f"{rng.choice(FOODS)}s", rng.choice(COLOURS), city, f"{rng.choice(ANIMALS)}s", rng.choice(HOBBIES)]),
                nonsense=" ".join(invented(rng, 1, 3) for _ in range(rng.randint(1, 4))))


def make(rng) -> Sample:
    kind = rng.choice(list(KINDS))
    what, asks = KINDS[kind]
    slots = _slots(rng)
    template = rng.choice(asks)
    text = say(rng, template, **slots)
    clean = text.lower().strip(" .!?")
    for courtesy in ("please ", "can you please ", "can you ", "could you ", "hey, ", "hi, ", "i need you to ", "i want you to ", "would you ", "now ", "hello! please ", "help me "):
        clean = clean.removeprefix(courtesy)
    return Sample(FAMILY, f"{kind}|{clean}", text, refuse(what))
