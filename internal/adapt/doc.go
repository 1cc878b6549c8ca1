// Package adapt learns the rate that a program can keep when other programs use the
// same limit and none knows of another. All a program sees is its own answers: most
// requests are accepted, and now and then a 429 blocks it for a while.
//
// # The idea
//
// All programs meet the same blocks. A block is therefore an event that they share, a
// clock that needs no setting, and three rules on that clock are enough.
//
// Cut. At an event a program goes to 97 % of the rate at which its requests were
// accepted in the window before: not of what it was allowed, which may be far from
// it. All of them together then ask for 97 % of what the server gives, so no second
// event follows. However many 429s an event consists of, it counts once: those to
// requests sent before its block ended are the same event.
//
// Hold. For sixteen windows the rate stays. Every program must meet a block once to
// know of it, so an event costs about as many 429s as there are programs, plus what
// was in flight.
//
// Climb. Then the rate grows by an amount, not by a factor: about a thousandth of the
// limit in the first window, and twice as much in each that follows. The amount is
// the same for all programs, so that small rates catch up with big ones. And since it
// is exponential, the number of programs hardly affects when the next event comes.
// When the others have left, nothing stops the climb: the whole limit is back within
// 26 windows of the last event, and everything learned is dropped.
//
// # What else is needed
//
//   - Youth. The first event leaves four fifths of the accepted rate, and for two
//     events the climb does not hold: it adds half of the rate and a fiftieth of the
//     limit in one window, and doubles. A lone program that met another's 429 has its
//     limit back in two windows; sixteen that start together reach a rate with their
//     second or third event.
//   - The first burst may fill the server's window for longer than Retry-After says.
//     An event within half a window of its block is an echo and costs nothing: the
//     rate that it left has not been tried.
//   - An event before the climb began was another program's doing, or chance, or shows
//     a rate that was too high: it costs 5 %. Right after a block each cut is as if the
//     last one were made twice, so that a server that goes on refusing is heeded.
//     Neither takes a program below what the last event left it because fewer requests
//     were accepted since: that time has a block in it, or a newcomer's burst, or the
//     program asked for little.
//   - A token-bucket server saves what is unused during the hold and spends it before
//     it refuses: the accepted rate of the last window is then more than can be kept.
//     A far climb shows such a server, if an early event follows and the average in
//     between equals the one before. From then on a far climb goes back to the average.
//     The next early event ends that belief: if only some programs held it, they would
//     give their shares to the others.
//   - A program that yields, because its default class is Batch, keeps two fifths at an
//     event and climbs two windows later. Beside programs that do not yield it falls to
//     a few per cent of the limit within some minutes, and has all of it when they are
//     gone. If all programs yield, part of the limit is lost.
//
// # Measured
//
// [TestScenes] runs programs on the package's real parts in virtual time, and prints
// every figure for servers that count in a fixed window, a sliding window and a token
// bucket; internal/bench has the same programs over the whole throttle.
// [TestWhatEachRuleIsWorth] turns each rule off and prints which targets are then
// missed.
//
//	go test ./internal/adapt -run TestScenes -long -seeds 12 -v
//	go test ./internal/adapt -run TestWhatEachRuleIsWorth -long -v -timeout 60m
//
// Twelve seeds, over a fixed window / a sliding window / a token bucket:
//
//	                                          429 per 1000    share            Jain
//	4 programs                                .45/.28/.68     .98/.96/1.0      .999
//	16 programs                               1.2/.93/1.2     .97/.96/.99      .993
//	64 programs                               5.2/3.9/4.6     .94/.92/.99      .987
//	4 programs, four endpoints counted        .86/1.0/2.2     .91/.89/.92      .99
//	  together
//	16 programs, four endpoints               3.5/3.9/8.9     .91/.86/.93      .99
//	four, 429s without Retry-After            .98/.65/2.2     .96/.93/.99      .97
//	rolling restart of four                   6.9/5.4/5.5     .98/.93/1.0
//	two batch beside two normal               .60/.32/.57     .92/.84/.92 and
//	                                                          .03/.05/.07 batch
//	eight, 100 in 10 s                        4.3/3.7/6.6     .96/.93/.99      .96
//	four beside one that takes 0.4            1.05            .93/.89/1.0      .999
//	a foreign burst of a tenth, alone         first minute    .97/.94/1.0
//	one foreign request, 300 calls            none fails, 31 s
//
// What it costs: a program that joins 63 others takes several shares at first and
// needs more than ten minutes to come down. A cold start against a limit in use costs
// a 429 for every caller with a request in flight: nothing is known before the first
// 429, and a lone program must have its whole burst.
//
// # Which rate a 429 is charged to
//
// The endpoint's own. Clerk blocks the endpoint; whether it counts by endpoint or by
// instance is not documented. With four endpoints per program:
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
// So charging the endpoint is right if Clerk counts by endpoint. If it counts by
// instance, that costs up to three times the 429s under even load, since each
// endpoint acts as one more program, and little if one endpoint carries the load. In
// that case an endpoint in light use that meets another's block may be held to the
// little it used: 0.1 s per request in most runs, 16 s in the worst. Charging both
// rates cost up to a quarter of the limit, and delayed light endpoints by seconds
// either way. Guessing how Clerk counts from 429s of several endpoints that come
// together was wrong too often: when all start together, they come together in both
// cases. The instance's window bucket bounds what one process sends in all either
// way.
//
// # Sources
//
// RFC 9438 (CUBIC) for a curve that is flat near the last ceiling and steep far from
// it; smithy's adaptive retry mode for the measured rate. The cubic itself was
// dropped: with a factor of the old rate, small programs never catch up with big ones
// if all are cut at the same moment, and with its own plateau the period shrinks with
// the number of programs.
package adapt
