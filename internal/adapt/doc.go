// Package adapt learns the rate that a program may keep when others draw on
// the same limit and nobody tells anybody anything. All a program sees is its
// own answers: most are accepted, and now and then a 429 blocks it for a while.
//
// # The idea
//
// Everybody meets the same blocks. A block is therefore an event that all
// programs share, a clock that nobody had to set, and three rules on that
// clock are enough.
//
// Cut. At an event a program goes to 97 % of what it was really getting in
// the window before: not of what it was allowed, which may be far from it.
// All of them together then ask for 97 % of what the server gives, and no
// second event follows. However many 429s an event spreads over, it counts
// once: those to requests sent before its block ended are the same event.
//
// Hold. For twelve windows nothing happens. Every program has to meet a block
// once to know of it, so an event costs about as many 429s as there are
// programs, plus what was in flight. The hold buys one event in some eighteen
// windows, whether there are four programs or sixty-four.
//
// Climb. Then the rate grows by an amount, not by a factor: a fraction of a
// thousandth of the limit, twice as much two windows later, and after four
// doublings four times as fast. The amount is the same for all, so the small
// gain on the big. And it is exponential, so how many there are hardly
// matters for when the next event comes: sixteen times as many programs need
// four doublings less. When the others have left, nothing stops it: a
// quarter of the limit becomes 90 % within 240 s.
//
// # What else is needed
//
//   - A newcomer does not hold and climbs in big steps until its second event,
//     starting from 80 % of what its first window got it, at most an eighth of
//     the limit: its opening burst says nothing of a share.
//   - Who is far above the fair share pays more. All climbed by the same amount
//     and together took back what the last cut had cost, so the climb divided
//     by the cut is the fair share. Nobody needs to know how many there are.
//   - An event that comes before the climb began was somebody else's doing, or
//     chance, and costs 3 %. One that follows on the last one's heels costs more
//     each time, so that a server that goes on refusing is heard.
//   - A token-bucket server saves up what is not used in the hold, and pays it
//     out before it refuses: what the last window got is then half as much again
//     as what can be kept. Two events in quick succession give it away, and from
//     then on a far climb is cut back to the cycle's average; an event that should
//     not have come ends that belief. It must end: where some programs hold it
//     and others do not, those who do give the others their shares (a newcomer
//     reached 2.8 fair shares in four hours).
//   - Who was not held back in the last window got what it asked for: that is
//     not its share, and it is not cut to it.
//   - Forty windows without an event, and all is forgotten: a newcomer, with a
//     newcomer's burst.
//
// # Measured
//
// In a discrete-event simulation over this package: limit 1000 in 10 s, every
// program saturated (1024 callers in all, 256 for four), round trips
// lognormal around 50 ms, ten minutes of which the first is not counted, the
// server's clock at a random phase, 20 seeds. Means, the worst seed in
// parentheses; the three servers count in a fixed window, a sliding window
// and a token bucket.
//
//	                    429 per 1000                        share of the limit     Jain
//	                    target  fixed  sliding  bucket      fixed sliding bucket   (least mean)
//	1 program           0       0      0        0           1.00  1.00  1.00
//	4 programs          0.5     0.37   0.43     0.40 (0.51) 0.976 0.965 0.997      1.000
//	16 programs         2.0     0.93   0.93     0.59 (1.23) 0.968 0.958 1.002      0.997
//	64 programs         8.0     4.3    3.9      6.1  (7.1)  0.950 0.920 1.000      0.993
//	4 beside one that
//	takes 40 % (Poisson)5       0.90   0.74     1.00 (1.6)  0.934 0.901 0.996      1.000
//	8, 100 in 10 s      5       4.7    3.4      4.5  (6.4)  0.937 0.905 0.979      0.971
//	24 hours, 4         0.5     0.43   0.42     0.45        0.973 0.965 1.000      1.000
//	24 hours, 16        2.0     1.03   1.05     0.85        0.968 0.955 1.000      1.000
//
//	first minute, 16 × 64 callers at once      905 to 917 rejected (937), target 1200
//	3 of 4 leave, the last at 90 %             140 to 150 s (240), target 240
//	a fifth joins four, Jain 90 to 120 s later 0.98, 0.93, 0.98 (0.90), target 0.90
//
// The same table for the AWS SDKs' adaptive mode (CUBIC, β 0.7, C 0.4, as in
// smithy): 22 to 48 per 1000 with 4 programs, 53 to 78 with 16, 117 to 203 with
// 64; it counts every 429 as a loss of its own, and its plateau is a few
// seconds, shorter than the window. It is back within 30 s when others leave.
// AIMD (×0.9, +0.2 % of the limit a window): 0.6 to 2.3, 5 to 16, 65 to 79, and
// not back after 900 s.
//
// What it costs: a program that joins 63 others takes several shares at first
// and needs twenty minutes to come down, beside a token bucket more than an
// hour. Round trips of 400 ms put eight times as many requests in flight when
// a block begins: 2 to 4 per 1000 with four programs. A Retry-After that is
// always 1 s, though the window has longer to run, costs some more 429s in the
// first minute; one that is always 10 s costs the time it blocks, up to a sixth
// of the limit. Programs that ask in bursts of a fifth of the limit, six
// fifths of it in all, get 0.91 to 1.0 of it at 0.4 to 3.7 per 1000.
//
// # Which rate a 429 is charged to
//
// The endpoint's own. Clerk blocks the endpoint; whether it counts by
// endpoint or by instance is not documented. With four endpoints a program:
//
//	                                       to the endpoint's  to the instance's
//	counted by endpoint, load even
//	  limits used, of four                 3.8 to 4.0         3.1 to 3.6
//	counted by endpoint, one endpoint hot
//	  a request to the others takes        0.05 s             2 to 11 s
//	counted by instance, load even, 16 programs
//	  429 per 1000                         4.1 to 7.0         1.9 to 5.9
//	  share of the limit, Jain             0.96 to 1.0, 0.997 0.96 to 0.99, 0.87
//	counted by instance, one endpoint hot
//	  429 per 1000                         0.4 to 1.8         0.3 to 2.7
//
// So it is right by endpoint; by instance it costs up to three times the 429s
// where the load is even, each endpoint being one more program, and little
// where one endpoint carries it. There, an endpoint in light use that meets
// somebody else's block may be held to the little it used: 0.1 s a request in
// most runs, 16 s in the worst. Charging both rates cost up to a quarter of the
// limit, and kept the light ones waiting for seconds in either world. Telling the
// worlds apart by 429s of several endpoints that come together was wrong too
// often: where all start together they come together in both. What one process
// sends in all is bounded by the instance's window bucket either way.
//
// # Sources
//
// RFC 9438 (CUBIC) for a curve that is flat near the last ceiling and steep
// far from it; smithy's adaptive retry mode for the measured rate. The cubic
// itself was dropped: by a factor of the old rate it never lets the small
// catch up with the big where all lose at the same moment, and with its own
// plateau the period shrinks with the number of programs.
package adapt
