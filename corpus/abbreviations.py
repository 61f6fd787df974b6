# ruff: noqa: SIM905 -- word lists are easier to read and to mend as words than as five hundred quoted strings
"""Words that decide whether a full stop ends a sentence. All are in lower case and without their last full stop."""

from __future__ import annotations

# What follows belongs to the same sentence, whatever it looks like.
LEADING = frozenset(
    """
    e.g eg i.e viz cf vs v approx ca circa c resp incl excl esp suppl lib
    dr mr mrs ms mx prof rev hon sen rep gov gen col sgt capt cpt lt maj cmdr adm pres supt messrs mme mlle fr sr. mt ft
    figs eqs refs secs chs vols pp nos arts eds eqn tel ext dept univ assn bros
    """.split()
)

# What follows belongs to the same sentence if it is a number, a letter or a bracket: "Fig. 2", "No. 5", "p. A3".
NUMBERED = frozenset(
    """
    fig eq ref sec sect ch chap vol p no nr art ed para pt ser tab app ex cl reg cap stat n l ll
    jan feb mar apr jun jul aug sep sept oct nov dec
    """.split()
)

# These end a sentence only before a word that begins one: "the U.S. The", but "the U.S. Senate".
TRAILING = frozenset(
    """
    u.s u.k u.n e.u u.s.a d.c ph.d m.d b.a m.a b.sc m.sc d.phil r.n d.o a.m p.m a.d b.c b.c.e c.e
    inc ltd co corp llc plc jr sr st ave blvd rd esq al bros assoc spp sp ssp subsp var
    """.split()
)

# Abbreviations after which a small letter goes on with the sentence; a capital begins a new one.
ORDINARY = frozenset(
    """
    etc max min temp avg dist est misc hr hrs sec mins wk wks mo mos yr yrs tsp tbsp oz lb lbs kg mg ml cm mm km in fl
    conc sol syn abbr adj adv orig ret govt natl intl mfg mgmt admin dept
    """.split()
)

# Words before a single capital letter that is no initial: "vitamin C.", "hepatitis B."
LETTERED = frozenset(
    """
    vitamin vitamins hepatitis type types class grade group groups stage phase plan factor part appendix figure table
    section option schedule exhibit annex case arm cohort patient level panel step team unit virus influenza protein
    immunoglobulin ig blood strain serotype subtype and or than
    """.split()
)

# Capitalised words that begin sentences and hardly ever follow an initial or an abbreviation as part of a name.
STARTERS = frozenset(
    """
    the this that these those there then they their them it its he his she her we our you your i my in on at by for from
    to with without as if when while where what which who whom whose why how after before during since until although
    though because but and or nor so yet however moreover furthermore therefore thus hence also additionally another
    other others some any many most much more few several all both each every either neither no none nobody not one two three an
    a such nothing here now today researchers scientists doctors patients people children studies research clinical symptoms
    treatment is are was were do does did can could may might must shall should will would have has had let please see
    once only even under over between among about because despite whether instead unlike like is ask call
    """.split()
)

# Words that a heading does not end with: a line that does leads into a list or goes on below.
LEAD_IN = frozenset(
    """
    are is was were be been include includes including included who whom that which as for of with by to in on at from the a
    an or and but nor if when while where because than then their his her its your our may can could should must will has
    have had do does not into over under between such like called cause causes mean means involve involves
    """.split()
)

# Verbs that follow a quotation and its speaker: `"Stop!" John cried.`
SPEECH = frozenset(
    """
    said says asked asks cried cries replied replies whispered shouted exclaimed answered added called murmured muttered
    wondered screamed yelled demanded insisted repeated remarked observed continued thought returned began
    """.split()
)
