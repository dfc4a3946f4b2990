"""The sentences of the stories. `<a|b>` are choices; slots are filled by stories.py."""

OPENINGS = [
    "<Once upon a time|Long ago|One spring|One autumn|Many years ago>, {a_hero} called {name} lived <near|by|close to> the {place}.",
    "There was once {a_hero} <whose name was|named|called> {name}.",
    "In a <house|room|hut|corner> by the {place}, {a_hero} called {name} was <waking up|making tea|looking out of the window|counting the clouds>.",
    "{name} was {a_hero} who <loved|liked|lived for> <long walks|old songs|warm bread|quiet mornings|riddles|the smell of rain>.",
    "Everybody at the {place} knew {name}, {a_hero} with <a loud laugh|muddy feet|a thousand questions|a patched coat|bright eyes>.",
    "On a <cold|bright|grey|windy|rainy|golden> <morning|evening|afternoon>, {a_hero} called {name} <set out|went out|stepped outside> <alone|early|without breakfast|with an empty basket>.",
    "<The day began badly|The day began well|Nothing was as usual that day> for {name}, {a_hero} from the {place}.",
    "\"<Today will be different|What a day|Something is missing>,\" said {name}, {a_hero} <of few words|with big plans|who never sat still>.",
]

DETAILS = [
    "<Far away|Somewhere near|Behind the trees>, a <bell|dog|bird|cart|drum> could be heard.",
    "The <air|wind|path|grass> <smelled of|tasted of> <apples|smoke|salt|pine|honey|snow>.",
    "<Clouds|Shadows|Leaves|Birds> <drifted|moved|danced|wandered> <over|across> the {place}.",
    "It was <very quiet|almost dark|warmer than before|beginning to rain>.",
    "The sun <was low|stood high|hid behind a cloud|painted everything gold>.",
    "{name} <stopped|paused|waited> <for a moment|and listened|to catch {hers} breath|and scratched {hers} head>.",
    "A <small|fat|blue|sleepy> <beetle|moth|bird|lizard> <looked on|flew past|watched everything>.",
    "Nobody had <swept|painted|visited|mended> that place for <years|a long time|many winters>.",
    "The <moon|first star|evening light> <climbed|rose|appeared> above the <roofs|hills|trees>.",
]

FEELINGS = [
    "{name} felt <a little afraid|strangely calm|very small|warm inside|braver than before>.",
    "{Hers} heart <beat fast|was heavy|jumped|grew light>.",
    "{She} <did not know what to say|could not help smiling|wanted to cry|almost laughed>.",
    "\"<I can do this|Oh dear|How odd|Well, well>,\" {she} <whispered|thought|said quietly>.",
    "For the first time {she} <was not in a hurry|felt at home|forgot the time>.",
]

CLOSINGS = [
    "From then on, {name} <never walked alone|slept well every night|told the story to anyone who asked|looked at the {place} with new eyes>.",
    "And that <was the end of a long day|is why there is always a light at the {place}|is how {name} found a friend>.",
    "<That night|In the evening>, {name} <fell asleep with a smile|wrote everything down|dreamed of new adventures|left the window open>.",
    "\"<Small steps are steps too|Two heads are better than one|A shared cake tastes sweeter|Nobody is too small to help>,\" {name} <used to say|said later|often said>.",
    "Even now, when the wind is <right|soft|from the north>, you can <hear {name} laugh|see the {obj} shine|smell the cake> by the {place}.",
    "{other} and {name} <stayed friends for life|met there every year|still laugh about it>.",
    "It was <not what {name} had looked for|more than {name} had hoped for>, and it was <enough|better|good>.",
]

_LOST = [
    ["<One day|That morning|Then>, {hers} <favourite|precious|old> {obj} was gone.", "{name} had <lost|mislaid|dropped> {hers} {obj} <somewhere|in the grass|on the way home>.", "But where was the {obj}? {name} <looked under the bed|turned every pocket inside out|asked the neighbours>."],
    ["{She} searched <the whole|every corner of the> {place}, <but found only dust|but found nothing|and found only an old shoe>.", "{She} asked {a_friend}, who <did not know|only yawned|pointed to the north>.", "First {she} looked <high|left|near>, then {she} looked <low|right|far>."],
    ["<At last|In the end|By noon> {she} met {other}, {a_friend} with <kind eyes|a long memory|a good nose>.", "\"<Why so sad|What are you looking for|Did you lose something>?\" asked {other}, {a_friend}.", "The {friend}, whose name was {other}, <offered to help|came along|had an idea>."],
    ["Together they <followed a trail of crumbs|looked behind the well|climbed over the wall>.", "\"<Think back|Close your eyes>,\" said {other}. \"Where <were you last|did you rest|did you laugh>?\"", "They <walked back step by step|searched until dusk|turned over every stone>."],
    ["And there it was: the {obj}, <under a leaf|in a nest|hanging on a branch|right where {name} had slept>.", "The {obj} had been in {hers} <bag|hat|boot> <all the time|the whole day>.", "A <magpie|child|little mouse> had <kept the {obj} safe|found the {obj} first>, and gave it back <gladly|for a biscuit|with a bow>."],
]
_AFRAID = [
    ["{name} was afraid of <the dark|thunder|deep water|high places|strangers>, <but told no one|and everyone knew it|although {she} tried to hide it>.", "There was one thing {name} <never did|could not do>: <cross the bridge|speak in front of others|go out at night|climb the tower>."],
    ["<One night|Then one day>, {other} the {friend} <needed help|called for help|was in trouble>.", "<A storm|A flood|A strange noise> came <over|to> the {place}, and {other} the {friend} was <still outside|all alone>.", "A <cry|shout|call> came from the {place}. It was {other}, the {friend}."],
    ["{name} <took a deep breath|closed {hers} eyes|counted to ten> and <went|ran|walked on>.", "\"If I do not go, <who will|nobody will>?\" <said|thought> {name}.", "{Hers} knees <shook|trembled>, but {hers} feet <kept moving|went on>."],
    ["With {an_obj} in {hers} hand {she} <found the way|lit the path|reached {other}>.", "Step by step the fear <grew smaller|became quiet|was left behind>.", "{She} <sang a song|told {her}self a joke|thought of breakfast> until {she} <was there|saw {other}>."],
    ["\"You came!\" cried {other}. \"<And you were not afraid|I knew you would>!\"", "\"I was afraid,\" said {name}, \"<but I came anyway|and that is fine>.\"", "<Side by side|Hand in hand> they <walked home|waited for the morning|watched the storm go>."],
]
_CONTEST = [
    ["<Every year|Each summer> there was a <race|contest|great bake|singing match> at the {place}.", "A <poster|letter> said: \"The great <race|contest> is <tomorrow|on Sunday>!\"", "Everyone was talking about the <race|contest|prize>, {an_obj} <made of silver|painted gold|older than the king>."],
    ["{other} the {friend} <always won|had won nine times>, and <let everyone know it|smiled about it>.", "\"<You will never win|Do not even try>,\" <laughed|said> {other}, the {friend}.", "Nobody thought that {name} would <take part|come far>."],
    ["{name} <practised|trained> <every morning|in secret|for weeks>, <rain or shine|even when {hers} feet hurt>.", "So {name} <made a plan|wrote a list|asked the oldest neighbour>.", "{She} <ate a big breakfast|tied {hers} laces twice|slept early> and <lined up|took {hers} place>."],
    ["Half way, {other} <fell|stumbled|got stuck> <in the mud|over a root|in a hedge>.", "{name} was <third, then second|last, then next to last>, when {she} heard {other} <cry out|call>.", "In the middle of it all, {other} <lost a shoe|could go no further>."],
    ["{name} could have <won|gone on>. But {she} <turned back|stopped and helped>.", "\"<Take my hand|Lean on me>,\" said {name}, and they <went on together|crossed the line as one>.", "They came last, and the crowd <cheered the loudest for them|threw flowers>."],
]
_DISCOVERY = [
    ["<Behind a loose stone|Under the floor|In a hollow tree|At the bottom of a trunk> {she} found {an_obj}.", "One day the <tide|wind|rain> left {an_obj} at {hers} door.", "While <digging|sweeping|playing>, {name} <hit something hard|pulled out something odd>: {an_obj}."],
    ["It was <warm to the touch|covered with strange letters|humming a tune|very, very old>.", "When {she} <shook|touched|turned> it, the {obj} <began to glow|whispered|opened>.", "On it was written: \"<Bring me home|Ask and wait|Follow the water|Only for the patient>.\""],
    ["{name} showed it to {other}, {a_friend} who <knew everything|had been everywhere|read many books>.", "{other} the {friend} <put on glasses|looked at it for a long time|turned quite pale>.", "\"<I have seen one before|My grandmother spoke of this>,\" said {other} the {friend}."],
    ["They followed <the river|an old map|a line of white stones> to the {place}.", "All night they <tried this and that|read old books|talked about it>.", "So they <travelled|walked> for <three days|a week>, over <hills|fields> and <bridges|streams>."],
    ["There, <behind a waterfall|under the stars|in a silent hall>, stood <a door|an old tree|a ship> where the {obj} <fitted|belonged>.", "And what came out was <music|a thousand butterflies|a warm light|the smell of summer>.", "It was no treasure of gold but <a garden|a song|a room full of books>, and it was <for everyone|open to all>."],
]
_MAKING = [
    ["{name} wanted to <build|make> {an_obj}, <the best in the land|better than any in the shops|as a gift for {other}>.", "For {hers} birthday {name} wished for {an_obj}, but there was no money, so {she} <made|built> one."],
    ["The first one <fell apart|was crooked|caught fire|floated away>.", "{She} worked for <a day and a night|seven days>, and it <broke|looked like a potato>.", "{She} <hammered|glued|sewed|measured> and <sang|sighed>, but <something was wrong|it would not hold>."],
    ["{other} the {friend} <came by|looked in> and said, \"<That is not bad|May I hold this end|You forgot the middle>.\"", "\"<Throw it away|Give up>,\" said a <voice|neighbour>. \"<Try again|One more time>,\" said {other} the {friend}."],
    ["So they <began again|started over>, <slower|with better wood|with more patience> this time.", "{name} <cut|held|painted>, and {other} <measured|tied|polished>.", "Piece by piece the {obj} <took shape|grew>."],
    ["When it was done, it <shone|sang|stood straight|was the finest {obj} at the {place}>.", "It was a little <crooked|too big|too loud>, and <everybody loved it|it was perfect>.", "The whole {place} came to <see|admire|try> it."],
]
_QUARREL = [
    ["{name} and {other} the {friend} <shared everything|were best friends>, until the day of the {obj}.", "Both {name} and {other} the {friend} wanted the same {obj}."],
    ["\"It is mine!\" said one. \"<No, mine|I saw it first>!\" said the other.", "They <shouted|pulled> until the {obj} <tore|broke|fell into the mud>.", "<Angry words|Bad words> flew <like stones|through the air>, and a door <slammed|was shut>."],
    ["For <a week|three days> they did not <speak|look at each other>.", "The <days|evenings> were <long|grey> <without a friend|alone>.", "{name} played alone, <ate alone|sang alone>, and <nothing was fun|the soup tasted of nothing>."],
    ["Then {she} <baked a cake|wrote a letter|mended the {obj}> and <knocked on {other}'s door|left it on the step>.", "\"<I am sorry|I was wrong>,\" said {name}. \"<So am I|I was wrong too>,\" said {other}.", "They met <by chance|in the rain> on the bridge, and both <began to speak|said sorry> at once."],
    ["Now the {obj} <belongs to both|stays with {name} on even days and with {other} on odd ones>.", "They <laughed|hugged> and <could not remember who began|ate the whole cake>.", "The {obj} was <forgotten|not so important any more>."],
]
_JOURNEY = [
    ["{name} had never <left|seen anything beyond> the {place}.", "A <letter|bird> brought <news|an invitation> from far away: {other} the {friend} <was ill|was getting married|had a question>.", "{name} wanted to see <the sea|the other side of the hill|the place where the sun sleeps>."],
    ["{She} packed <bread and cheese|a blanket|three apples> and {an_obj}, and <left|set off> <at dawn|before breakfast>.", "With {an_obj} on {hers} back {she} <walked|sang and walked> <all day|for many days>."],
    ["On the way {she} met {other}, {a_friend} who <was lost too|had a cart|knew a shortcut>.", "At a crossroads sat {a_friend} called {other}. \"<Are you lost|Which way is home>?\" asked {other}.", "The road was <steep|full of holes>, and the <rain|night> came <soon|quickly>."],
    ["The {obj} <kept them dry|showed the way|made a fine chair>.", "They <crossed a river on a log|slept in a barn|shared the last apple>.", "Twice they <lost the path|went in a circle>, and twice {name} <found it again|laughed>."],
    ["And at last there it was, <wide and blue|bright and loud|quiet and green>.", "When {she} <arrived|got there>, there was <soup|music|a warm bed> and <so much to tell|an old friend>.", "It was <smaller|bigger|louder> than {she} had thought, and {she} <loved it|stayed a month>."],
]
_SECRET = [
    ["Every <night|Tuesday|evening>, a <light|sound|smell> came from the {place}.", "Somebody was <stealing|taking> the <cakes|apples|socks> at the {place}.", "There was a <small|green|locked> door at the {place} that <nobody used|no key would open>."],
    ["{name} <decided to find out|could not sleep for wondering|hid behind a barrel>.", "{She} took {an_obj} and <waited|crept closer|kept watch>.", "\"I will <solve|find> this,\" said {name}, and <sharpened a pencil|put on {hers} hat>."],
    ["At midnight <something moved|a step creaked|a shadow passed>.", "There were <footprints|feathers|crumbs> <leading to the well|under the window>.", "<Hours passed|Nothing happened for a long time>. Then <a nose|a tail|a hand> appeared."],
    ["It was {other} the {friend}, <with a sack|red in the face|holding a candle>!", "\"<Please do not tell|You caught me>,\" <said|sighed> {other} the {friend}.", "The thief was {other}, the {friend}, who had <five hungry children|nothing to eat|a surprise to prepare>."],
    ["So {name} <kept the secret|brought a bigger basket|joined in>.", "It was a <surprise|party> for {name}, with <cake|lanterns|music>.", "After that {name} left <a plate|a light|some bread> <outside|by the door> every <night|evening>."],
]
_WEATHER = [
    ["That <winter|summer>, the <snow|rain|heat> <would not stop|came early|was worse than ever>.", "<It had not rained for weeks|The sun had not been seen for days> at the {place}."],
    ["The <well|bread|wood> ran <dry|out|low>, and {other} the {friend} <worried|could not work>.", "<Everyone|The neighbours> <stayed inside|grew cross|gave up>."],
    ["But {name} remembered {an_obj} <in the attic|from {hers} grandmother|hanging on the wall>.", "{name} had an idea, <a strange one|a very simple one>, with {an_obj}.", "{name} went from door to door with {an_obj} <and a smile|and asked for help>."],
    ["At first they <laughed|shook their heads>. Then {other} <helped|joined in>, and then <another|all the rest>.", "With <ropes|buckets|bare hands> they <worked|dug|carried> <all night|until morning>."],
    ["And then <the clouds broke|the first drop fell|the sun came out>.", "By <spring|Sunday>, the {place} was <green|full of flowers|dry and warm> again.", "They <danced in the puddles|sat around one big fire|shared what was left>, and <nobody was cold|nobody was alone>."],
]
_NEWCOMER = [
    ["One day {other}, {a_friend}, <moved in next door|arrived with seven bags|came to the {place}>.", "Nobody <spoke to|sat with> the new neighbour, {a_friend} called {other}."],
    ["{other} <spoke strangely|wore a purple hat|sang at night>, and people <stared|whispered>.", "\"<Too loud|Too odd|Not like us>,\" said the others."],
    ["But {name} brought <a pie|some tea|{an_obj}> and <knocked|said hello>.", "Only {name} <waved|asked a question|stayed to listen>."],
    ["It turned out that {other} could <mend clocks|juggle|tell the best jokes|talk to bees>.", "{other} had {an_obj} that <nobody had seen before|came from the other end of the world>.", "They <talked|played chess|cooked> until <midnight|the lamp went out>."],
    ["Soon <the whole place|everyone> <came to listen|wanted to be friends>.", "\"Why did we not <ask|come> sooner?\" said the <neighbours|others>.", "On the next <market day|holiday> they all <ate at one table|wore purple hats>."],
]

PLOTS = [_LOST, _AFRAID, _CONTEST, _DISCOVERY, _MAKING, _QUARREL, _JOURNEY, _SECRET, _WEATHER, _NEWCOMER]
