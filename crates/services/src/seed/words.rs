//! Names, places and small words of the demo. Numbers and domains are only from ranges that are reserved for
//! fiction: NANP 555-0100 to 555-0199, Ofcom's and ACMA's numbers for drama, and `.example`.

/// Where people of a company live: a range of numbers and the zone they state.
pub(super) struct Place {
    /// Everything but the last digits.
    pub prefix: &'static str,
    /// How the local people write the prefix.
    pub written: &'static str,
    /// The last digits, as many as `digits`, from `first` to `last`.
    pub first: u32,
    pub last: u32,
    pub digits: usize,
    pub zone: &'static str,
    pub weight: u32,
}

const fn us(prefix: &'static str, written: &'static str, zone: &'static str, weight: u32) -> Place {
    Place { prefix, written, first: 100, last: 199, digits: 4, zone, weight }
}

pub(super) const TAMPA: &[Place] = &[
    us("+1813555", "(813) 555-", "America/New_York", 20),
    us("+1727555", "(727) 555-", "America/New_York", 18),
    us("+1941555", "941-555-", "America/New_York", 14),
    us("+1863555", "(863) 555-", "America/New_York", 12),
    us("+1352555", "352.555.", "America/New_York", 12),
    us("+1407555", "(407) 555-", "America/New_York", 12),
    us("+1239555", "(239) 555-", "America/New_York", 12),
    us("+1404555", "404-555-", "America/New_York", 9),
    us("+1312555", "(312) 555-", "America/Chicago", 8),
    us("+1303555", "(303) 555-", "America/Denver", 6),
];

pub(super) const DALLAS: &[Place] = &[
    us("+1214555", "(214) 555-", "America/Chicago", 20),
    us("+1972555", "(972) 555-", "America/Chicago", 18),
    us("+1469555", "469-555-", "America/Chicago", 16),
    us("+1817555", "(817) 555-", "America/Chicago", 15),
    us("+1940555", "940.555.", "America/Chicago", 12),
    us("+1682555", "(682) 555-", "America/Chicago", 12),
    us("+1903555", "(903) 555-", "America/Chicago", 10),
    us("+1254555", "(254) 555-", "America/Chicago", 8),
];

/// From Yorkshire to both coasts and the Pacific: somewhere it is always day.
pub(super) const LEEDS: &[Place] = &[
    Place { prefix: "+447700900", written: "07700 900", first: 100, last: 999, digits: 3, zone: "Europe/London", weight: 44 },
    Place { prefix: "+441134960", written: "0113 496 0", first: 100, last: 999, digits: 3, zone: "Europe/London", weight: 16 },
    Place { prefix: "+6125550", written: "+61 2 5550 ", first: 100, last: 999, digits: 4, zone: "Australia/Sydney", weight: 12 },
    Place { prefix: "+6137010", written: "+61 3 7010 ", first: 100, last: 999, digits: 4, zone: "Australia/Melbourne", weight: 8 },
    us("+1212555", "+1 212 555 ", "America/New_York", 9),
    us("+1718555", "+1 718 555 ", "America/New_York", 6),
    us("+1415555", "+1 415 555 ", "America/Los_Angeles", 5),
];

pub(super) const FIRST_US: &[&str] = &[
    "Daniel", "Margaret", "Anthony", "Brianna", "Walter", "Olivia", "Hassan", "Grace", "Lucía", "Kenji", "Priya", "Tom", "Denise",
    "Marcus", "Elena", "Jerome", "Valerie", "Santiago", "Naomi", "Patrick", "Renee", "Curtis", "Gloria", "Wesley", "Camila", "Dominic",
    "Leah", "Rafael", "Joanne", "Tyrone", "Beatriz", "Howard", "Kimberly", "Andre", "Sofia", "Russell", "Monique", "Diego", "Carolyn",
    "Victor", "Aisha", "Glenn", "Teresa", "Malik", "Nina", "Stuart", "Yolanda", "Caleb", "Ingrid", "Jorge", "Melanie", "Darnell",
];
pub(super) const LAST_US: &[&str] = &[
    "Reyes", "Ellison", "Kowalski", "Cole", "Brandt", "Sørensen", "Al-Amin", "Oyelaran", "Fernández", "Watanabe", "Natarajan", "Whitaker",
    "Delgado", "Pruitt", "Castellano", "Bishop", "Nguyen", "Hargrove", "Mendoza", "Fitzgerald", "Boone", "Okonkwo", "Salazar", "Lindqvist",
    "Tran", "Holloway", "Rosen", "Cardona", "McAllister", "Vance", "Petrov", "Baptiste", "Schroeder", "Villanueva", "Hendricks", "Osei",
    "Kaplan", "Thibodeaux", "Rahman", "Sutton", "Arce", "Donnelly", "Park", "Ferrara", "Guidry", "Haddad", "Lowell", "Quintero", "Shah",
];
pub(super) const FIRST_GB: &[&str] = &[
    "Imogen", "Raj", "Tessa", "Callum", "Freya", "Owen", "Nadia", "Harriet", "Jamal", "Isla", "Rhys", "Amelia", "Gareth", "Zainab", "Poppy",
    "Alistair", "Megan", "Dev", "Charlotte", "Niall", "Ruby", "Kofi", "Bethan", "Lewis", "Saoirse", "Theo", "Martha", "Hamish", "Anjali",
    "Jude", "Florence", "Idris", "Eleanor", "Toby", "Shreya", "Angus", "Matilda", "Declan", "Yasmin", "Felix", "Edith", "Rory", "Lottie",
];
pub(super) const LAST_GB: &[&str] = &[
    "Hartley", "Patel", "Whitlock", "Ashworth", "Sutcliffe", "Okafor", "Braithwaite", "Llewellyn", "Khan", "Thackray", "Murray", "Holroyd",
    "Pemberton", "Adeyemi", "Crossley", "Fairburn", "Illingworth", "Doyle", "Barraclough", "Singh", "Metcalfe", "Ogden", "Rowntree",
    "Campbell", "Hussain", "Wainwright", "Greenwood", "Mistry", "Forsyth", "Ramsden", "Chaudhry", "Beaumont", "Tordoff", "Novak",
    "Ellwood", "Chen", "Haigh", "Morley", "Priestley", "Farrow", "Dyson", "Nowak",
];

pub(super) const DOMAINS: &[&str] = &["inbox.example", "webmail.example", "post.example", "mail.example"];

/// What a slot of the dialogues may stand for.
pub(super) fn slot(name: &str) -> &'static [&'static str] {
    match name {
        "hello" => &["Yes, hello?", "Speaking.", "Hello, yes.", "Hi there.", "Yes, that's me.", "Good morning."],
        "yes" => &["Wonderful.", "Very good.", "Perfect.", "Great, thank you.", "That helps, thank you.", "Lovely."],
        "bye" => &["Thanks, bye.", "Bye now.", "Thank you. Goodbye.", "You too, bye.", "Have a good one.", "Okay, thanks. Bye."],
        "day" => &["Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"],
        "time" => &["ten", "half past eleven", "two", "a quarter past three", "four", "five", "half past five"],
        "months" => &["two", "three", "four", "five"],
        "budget" => &["four hundred thousand", "three hundred eighty", "five and a half", "three fifty", "six hundred thousand"],
        "rent" => &["two thousand two hundred", "nineteen hundred", "two and a half thousand", "two thousand eight hundred"],
        "area" => &["Seminole Heights", "Hyde Park", "St. Pete", "Riverview", "Dunedin", "Palm Harbor", "Temple Terrace"],
        "street" => &["Alder Street", "Mill Lane", "Orchard Road", "Bayview Avenue", "Church Street", "Magnolia Court", "Station Road"],
        "guests" => &["my sister", "my parents", "a friend who builds houses", "the children"],
        "broker" => &["Luis", "Hannah", "Maya"],
        "town" => &["Waco", "Austin", "Tulsa", "Denton", "Shreveport"],
        "doctor" => &["the dentist", "the hygienist", "the doctor"],
        "item" => &["oat linen duvet set", "linen apron", "stoneware jug", "Assam tea tin", "olive wood board", "striped table runner"],
        _ => &[],
    }
}
