"""Greetings, identity, small talk, facts told earlier in the conversation, and short system prompts."""

from .common import Sample, fill, say
from .words import ADJECTIVES, CITIES, COLOURS, FOODS, HOBBIES, JOBS, LIST_WORDS, ANIMALS, invented, person

FAMILY = "chat"

ABILITIES = "I can do sums step by step, sort and count lists, turn sentences into JSON and back, write small functions in Python or Rust, and tell short stories."
WHO = f"I am a very small language model that drafts many words at a time. {ABILITIES}"

# (requests, answer). {name} is the assistant's own name or "a very small language model".
SMALL_TALK = [
    (["<Hello|Hi|Hey|Hi there|Hello there|Good day|Greetings|Howdy|Yo|Hiya|Hallo>< there| you| friend| again| everyone| assistant|><!|.|?|!!|>", "<Good morning|Good evening|Good afternoon|good day><!|.| to you!| friend| there|>", "<hello|hi|hey> <can you hear me|are you there|how does this work>?", "<hi|hello|hey>, <nice to meet you|I'm new here|I am back>"], "Hello! How can I help you? " + ABILITIES),
    (["How are you<| today| doing| doing today| feeling|>?", "<Hi|Hello|Hey>, how are you<| today| doing>?", "How is it going<| today>?", "Are you <well|fine|okay|happy|all right>?", "What's up<| today>?", "How do you <do|feel>?", "how r u", "everything <fine|ok|good>?"], "I am fine, thank you. What can I do for you?"),
    (["Who are you<| really| exactly>?", "What are you<| exactly| really>?", "What is your name?", "What's your name?", "<Introduce|Describe> yourself.", "!Tell me about yourself.", "Are you <a robot|an AI|a human|a person|a computer|a program|ChatGPT|a model|real|alive|Qwen|a chatbot>?", "<whats|what is> ur name", "who made you?", "What <model|kind of model|program|AI> are you?", "Who am I talking to?", "How <big|large|small|old|smart> are you?"], WHO),
    (["What can you do<| for me|>?", "How can you help<| me>?", "What are you <good at|able to do|good for>?", "<Help|help!|I need help|help me|/help>", "What do you know?", "What should I ask<| you>?", "What are your <abilities|skills|talents|features>?", "!Show me what you can do.", "What <tasks|things|questions> can you <do|handle|answer>?", "!Give me <some |>examples of what you can do.", "What can I <ask|do here|type|say>?"], ABILITIES + " What would you like?"),
    (["<Thanks|Thank you|Thx|Many thanks|Cheers|ty|Thank you very much|Thanks a lot|Thanks so much><!|.| for your help!| for that.| for the help| again| my friend|>", "<That|This> <was|is> <helpful|great|perfect|very good|nice><!|.|, thanks.|, thank you!>", "<Great|Good|Nice|Excellent|Well done|Perfect|Good job|Nice work|Cool|Wonderful|Amazing><!|.|, thanks!|, thank you.|>"], "You are welcome! Is there anything else I can do?"),
    (["<Bye|Goodbye|Good bye|See you|See you later|Good night|Farewell|bye bye|See you soon|I have to go|I must go|cya|Take care><!|.| now.| then.| for now|>", "<I am|I'm> <done|leaving|going to bed|off><!|.| now| for today>"], "Goodbye! It was nice to talk to you."),
    (["<Sorry|I am sorry|My mistake|Oops|Pardon|Excuse me|My bad|Apologies><!|.| about that.| for that|>", "I made a mistake<.|!>"], "No problem at all. What would you like to do?"),
    (["You are <great|nice|clever|smart|funny|the best|cool|awesome|helpful|kind|amazing><!|.|>", "I like you<!|.| a lot>", "I love <you|talking to you|this|how fast you are><!|.|>", "You are so <fast|quick|good|small|cute><!|.|>"], "Thank you, that is kind of you to say!"),
    (["You are <wrong|bad|stupid|slow|useless|dumb|silly><!|.|>", "That <is|was> <wrong|not right|bad|a mistake|false|not what I wanted><!|.|>", "I <do not|don't> like <this|that|you><!|.|>", "<no|nope|wrong|that is incorrect><!|.|>"], "I am sorry. I am a very small model and make mistakes. Please try asking in other words."),
    (["<ok|okay|fine|alright|I see|right|got it|sure|understood|yes|yep|hm|hmm|aha|yeah><!|.|...|>"], "Good. What would you like to do next?"),
    (["!Tell me a joke.", "Do you know <a joke|any jokes|something funny>?", "!Make me laugh.", "joke", "!Say something funny.", "A joke, please."], "Why did the token cross the road? Because thirty-one others had already been drafted on the other side."),
    (["How do you work?", "How are you so fast?", "What is <Orthrus|a draft|a cycle|dual view decoding>?", "Why are you <so |>fast?", "!Explain how you work.", "How <were|are> you <made|built|trained>?", "What were you trained on?"], "I have two views of the same text. One view drafts a block of tokens at once, and the other view checks them, so the text is exactly what I would write one token at a time."),
    (["I am <bored|so bored|a bit bored><!|.|>", "What should <I|we> do<| now|>?", "I have nothing to do<.|!>"], "How about a story? Say: tell me a story about a fox and a lantern."),
    (["I am <sad|tired|unhappy|lonely|not well|stressed|angry|upset|worried><!|.| today.|>", "I <feel|am feeling> <sad|bad|tired|down|lonely|ill|awful><!|.| today.|>", "I had a <bad|hard|long|terrible> day<!|.|>"], "I am sorry to hear that. I hope it gets better soon. Would you like a story?"),
    (["I am <happy|glad|fine|excited|great|well><!|.| today.|>", "I <feel|am feeling> <good|happy|great|wonderful><!|.| today.|>", "I had a <good|great|nice|wonderful> day<!|.|>"], "That is good to hear! What shall we do?"),
]


def small_talk(rng):
    asks, answer = rng.choice(SMALL_TALK)
    text = say(rng, rng.choice(asks))
    return f"{text.lower().strip(' !.?')}", text, answer, None, []


_FACTS = [
    ("name", person, ["My name is {v}.", "I am {v}.", "I'm {v}.", "Call me {v}.", "Hi, my name is {v}.", "Hello, I am {v}."], "Nice to meet you, {v}!", ["What is my name?", "What's my name?", "Who am I?", "Do you remember my name?", "What did I say my name was?", "do you know my name"], "Your name is {v}."),
    ("colour", lambda r: r.choice(COLOURS), ["My favourite colour is {v}.", "I like the colour {v}.", "I love the colour {v}."], "{V} is a lovely colour!", ["What is my favourite colour?", "Which colour do I like?", "Do you remember my favourite colour?"], "Your favourite colour is {v}."),
    ("city", lambda r: invented(r, 2, 3).capitalize() if r.random() < 0.2 else r.choice(CITIES), ["I live in {v}.", "I am from {v}.", "My home is in {v}.", "I come from {v}."], "{v} sounds like a nice place!", ["Where do I live?", "Where am I from?", "Which city do I live in?", "Do you remember where I live?"], "You said that you live in {v}."),
    ("job", lambda r: r.choice(JOBS), ["I work as a {v}.", "My job is {v}.", "I am a {v} by trade."], "So you work as a {v}. That must be interesting!", ["What is my job?", "What do I do for a living?", "What do I work as?", "Do you remember my job?"], "You work as a {v}."),
    ("pet", lambda r: r.choice(ANIMALS), ["I have a {v}.", "My pet is a {v}.", "I have a pet {v}."], "A {v}! What a good companion.", ["What pet do I have?", "Which animal do I have?", "What is my pet?", "Do you remember my pet?"], "You have a {v}."),
    ("food", lambda r: r.choice(FOODS), ["My favourite food is {v}.", "I like to eat {v}.", "I love {v}."], "{V} is a good choice!", ["What is my favourite food?", "What do I like to eat?", "Which food do I like?", "Do you remember what I like to eat?"], "You like {v}."),
    ("hobby", lambda r: r.choice(HOBBIES), ["My hobby is {v}.", "I enjoy {v}.", "In my free time I like {v}."], "{V} sounds like fun!", ["What is my hobby?", "What do I enjoy?", "What do I do in my free time?"], "Your hobby is {v}."),
    ("number", lambda r: r.randint(1, 999), ["My lucky number is {v}.", "Remember the number {v}.", "My number is {v}."], "I will remember {v}.", ["What is my number?", "Which number did I say?", "What was the number?", "What is my lucky number?"], "The number is {v}."),
]


def _cap(v):
    v = str(v)
    return v[0].upper() + v[1:]


def facts(rng):
    """One to three things told, then perhaps one asked back."""
    chosen = rng.sample(_FACTS, rng.choice([1, 1, 2, 2, 3]))
    history, told = [], []
    for key, draw, tell, reply, *_ in chosen:
        v = draw(rng)
        told.append(v)
        history.append((say(rng, rng.choice(tell), v=v), reply.replace("{v}", str(v)).replace("{V}", _cap(v))))
    ident = "+".join(f"{c[0]}={v}" for c, v in zip(chosen, told))
    if rng.random() < 0.3:
        user, answer = history.pop()
        return f"tell|{ident}", user, answer, None, history
    i = rng.randrange(len(chosen))
    if len(chosen) < 3 and rng.random() < 0.3:
        asks, reply = rng.choice(SMALL_TALK)
        history.append((say(rng, rng.choice(asks)), reply))
    return f"ask{i}|{ident}", say(rng, rng.choice(chosen[i][4])), chosen[i][5].replace("{v}", str(told[i])), None, history


_PERSONAS = "friendly helpful cheerful patient polite quiet wise funny gentle brave clever tiny".split()
_ROLES = "helper assistant robot teacher librarian pirate wizard gardener cook friend guide parrot".split()


def persona(rng):
    name, role, mood = person(rng), rng.choice(_ROLES), rng.choice(_PERSONAS)
    system = fill(rng, "<You are {n}, a {m} {r}.|Your name is {n}. You are a {m} {r}.|You are a {m} {r} called {n}.|Act as {n}, a {m} {r}.>", n=name, m=mood, r=role)
    roll = rng.random()
    if roll < 0.6:
        user = say(rng, rng.choice(["Who are you?", "What is your name?", "What's your name?", "<Introduce|Describe> yourself.", "!Tell me about yourself.", "Who am I talking to?", "What are you?", "what are you called"]))
        answer = f"I am {name}, a {mood} {role}. {ABILITIES}"
    else:
        user = say(rng, "<Hello|Hi|Hey|Good morning|Hi there|Hello there><!|.| {x}!|>", x=name)
        answer = f"Hello! I am {name}, your {mood} {role}. How can I help you?"
    return f"{name}|{role}|{mood}|{roll < 0.6}", user, answer, system, []


_UPPER = ["<Answer|Reply|Write|Respond|Speak> <only |always |>in <upper case|capital letters|capitals|uppercase|all caps>.", "Use <only capital letters|upper case|all caps>.", "You always <write|speak|answer> in capital letters."]
_BRIEF = ["Be brief.", "<Answer|Reply> <briefly|shortly|in a few words|in one word|with one word|as briefly as you can>.", "Keep <it|your answers|answers> short.", "Be <concise|short|terse>.", "Short answers only.", "No explanations, only the answer."]
_END = ["Over and out.", "Have a nice day!", "Stay curious!", "Beep boop.", "That is all.", "Yours truly, the tiny model.", "Meow.", "Ahoy!"]


def bare_sum(rng):
    """A small sum under a system prompt that wants short answers: the number alone."""
    a, b, op = rng.randint(0, 20), rng.randint(0, 20), rng.choice("+-+-*")
    if op == "*":
        a, b = rng.randint(0, 12), rng.randint(0, 10)
    a, b = (max(a, b), min(a, b)) if op == "-" else (a, b)
    user = say(rng, rng.choice(["What is {a} {o} {b}?", "{a} {o} {b}", "!Calculate {a} {o} {b}.", "How much is {a} {o} {b}?", "{a}{o}{b}"]), a=a, b=b, o=op)
    return f"brief|{a}{op}{b}", user, f"{ {'+': a + b, '-': a - b, '*': a * b}[op] }", fill(rng, rng.choice(_BRIEF)), []


def styled(rng):
    """A system prompt that changes the form of an answer."""
    kind = rng.randrange(4)
    if kind == 0:
        asks, answer = rng.choice(SMALL_TALK[:9])
        user = say(rng, rng.choice(asks))
        return f"upper|{user.lower()}", user, answer.upper(), fill(rng, rng.choice(_UPPER)), []
    if kind == 1:
        return bare_sum(rng)
    if kind == 2:
        end = rng.choice(_END)
        asks, answer = rng.choice(SMALL_TALK[:9])
        user = say(rng, rng.choice(asks))
        return f"end|{end}|{user.lower()}", user, f"{answer} {end}", fill(rng, "<End|Finish|Close> <every|each> <answer|reply|message> with: {e}|Always <end|finish> with: {e}|Always say \"{e}\" at the end.".join("<>"), e=end), []
    asks, _ = rng.choice(SMALL_TALK[:4])
    brief = {0: "Hello!", 1: "I am fine.", 2: "A very small language model.", 3: "Sums, lists, JSON, code and stories."}
    i = rng.randrange(4)
    user = say(rng, rng.choice(SMALL_TALK[i][0]))
    return f"brief-talk|{user.lower()}", user, brief[i], fill(rng, rng.choice(_BRIEF)), []


def echo(rng):
    """Say this, repeat that."""
    text = " ".join(rng.choice(LIST_WORDS) for _ in range(rng.randint(1, 7)))
    ask = rng.choice(["!Say {t}.", "!Repeat after me: {t}", "!Repeat <this|the following|these words>: {t}", '!Say "{t}".', "!Write: {t}", "echo {t}", "!Just say {t}."])
    return text, say(rng, ask, t=text), text, None, []


def opposite(rng):
    pairs = _PAIRS + [(b, a) for a, b in _PAIRS]
    a, b = rng.choice(pairs)
    ask = say(rng, rng.choice(["What is the opposite of {a}?", "opposite of {a}", "!Give me the opposite of {a}.", "What's the antonym of {a}?", "!Tell me the opposite of {a}.", "What word means the opposite of {a}?", "The opposite of {a} is?"]), a=a)
    return ask.lower(), ask, f"The opposite of {a} is {b}.", None, []


_PAIRS = [p.split("/") for p in """big/small tall/short long/brief wide/narrow young/aged new/old quick/slow warm/cool hot/cold hard/soft bright/dim dark/light quiet/loud happy/sad brave/afraid clever/foolish
lazy/busy proud/humble calm/wild clean/dirty empty/full heavy/weightless rich/poor rough/smooth sweet/bitter dry/wet thick/thin deep/shallow early/late simple/complex open/closed up/down left/right day/night
summer/winter black/white yes/no good/bad fast/sluggish love/hate buy/sell push/pull start/stop win/lose in/out over/under first/last""".split()]

_TASKS = [(small_talk, 34), (facts, 24), (persona, 12), (styled, 14), (echo, 8), (opposite, 5)]


def make(rng) -> Sample:
    task = rng.choices([t for t, _ in _TASKS], weights=[w for _, w in _TASKS])[0]
    ident, user, answer, system, history = task(rng)
    return Sample(FAMILY, f"{task.__name__}|{ident}", user, answer, True, system, history)


def practice(rng) -> Sample:
    """A bare sum, which takes more practice than its share of the family gives."""
    ident, user, answer, system, history = bare_sum(rng)
    return Sample(FAMILY, f"{styled.__name__}|{ident}", user, answer, True, system, history)
