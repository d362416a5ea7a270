// Whether this build taps the path of a transaction. `cmake -DFLUXRIG_TAP=OFF` leaves it out: no record, no
// span, no metric of a gear, no intent, and a reply waits for no disk. Only a benchmark's base is built so
// (`./dev bench lanes`): such a rack keeps no promise about audit, and says so when it starts. The messages'
// own way through gears and wires is the same.
#pragma once

namespace fluxrig::rack {

#ifdef FLUXRIG_NO_TAP
inline constexpr bool kTapped = false;
#else
inline constexpr bool kTapped = true;
#endif

}  // namespace fluxrig::rack
