import { randomInt } from "node:crypto";

// Docker's shape of names: an adjective and the surname of someone who did something for science.
const ADJECTIVES = "admiring agile amazing awesome blissful bold brave busy charming clever compassionate cool crazy dazzling determined dreamy eager ecstatic elastic elated elegant eloquent epic exciting fervent festive flamboyant focused friendly gallant gifted goofy gracious great happy hardcore hopeful hungry infallible inspiring intelligent interesting jolly jovial keen kind laughing loving lucid magical modest musing mystifying nervous nice nifty nostalgic objective optimistic peaceful pensive practical priceless quirky quizzical recursing relaxed reverent romantic serene sharp silly sleepy stoic strange sweet tender thirsty trusting unruffled upbeat vibrant vigilant vigorous wizardly wonderful youthful zealous zen".split(" ");
const SURNAMES = "agnesi albattani allen archimedes ardinghelli babbage banach bardeen bassi bell bhabha blackwell bohr boyd brahmagupta brattain brown buck burnell cannon carson cartwright cerf chandrasekhar chatelet clarke colden cori cray curie curran darwin davinci diffie dijkstra dirac easley edison einstein elion engelbart euclid euler faraday fermat fermi feynman franklin galileo galois ganguly gates gauss germain goldberg goldstine goodall hamilton hamming hawking heisenberg hellman hermann hertz hodgkin hofstadter hopper hugle hypatia jackson jang jemison jennings johnson joliot jones kalam kapitsa kare keller kepler khayyam khorana kilby kirch knuth kowalevski lalande lamarr lamport leakey leavitt lewin lichterman liskov lovelace lumiere mahavira margulis matsumoto maxwell mayer mccarthy mcclintock meitner mendel mendeleev merkle mestorf minsky mirzakhani morse murdock neumann newton nightingale nobel noether noyce pare pascal pasteur payne perlman pike poincare poitras proskuriakova ptolemy raman ramanujan rhodes ride ritchie robinson roentgen rosalind rubin saha sammet satoshi shamir shannon shaw shockley shtern sinoussi snyder solomon spence stonebraker sutherland swanson swartz swirles tereshkova tesla thompson torvalds tu turing varahamihira vaughan villani visvesvaraya volhard wescoff wilbur wiles williams williamson wilson wing wozniak wright wu yalow yonath zhukovsky".split(" ");

/** A name such as `focused_lovelace`; after the first `attempt` with a digit more, as docker does on a clash. */
export function randomName(attempt: number): string {
  const name = `${pick(ADJECTIVES)}_${pick(SURNAMES)}`;
  return attempt === 0 ? name : `${name}${randomInt(10)}`;
}

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)]!;
}
