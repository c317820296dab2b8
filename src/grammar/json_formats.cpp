#include "grammar/json_formats.h"

#include <utility>

namespace sputnik::grammar {
namespace {

// RFC 3339. February has 28 days: that is valid every year.
#define SPUTNIK_DATE                                                                 \
  "[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9" \
  "]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
#define SPUTNIK_TIME                                                            \
  "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?(?:Z|[+-](?:[01" \
  "][0-9]|2[0-3]):[0-5][0-9])"
// RFC 1123, names of at most 8 labels.
#define SPUTNIK_LABEL "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#define SPUTNIK_HOST SPUTNIK_LABEL "(?:\\." SPUTNIK_LABEL "){0,2}"
#define SPUTNIK_BYTE "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define SPUTNIK_H16 "[0-9A-Fa-f]{1,4}"

constexpr std::pair<std::string_view, std::string_view> kFormats[] = {
    {"date", SPUTNIK_DATE},
    {"time", SPUTNIK_TIME},
    {"date-time", SPUTNIK_DATE "T" SPUTNIK_TIME},
    // ISO 8601: years to seconds, some of them, or weeks.
    {"duration",
     "P(?:[0-9]{1,6}W|(?:[0-9]{1,6}Y(?:[0-9]{1,6}M(?:[0-9]{1,6}D)?)?|[0-9]{1,6}M(?:[0-9]{1,6}D)?|[0"
     "-9]{1,6}D)(?:T(?:[0-9]{1,6}H(?:[0-9]{1,6}M(?:[0-9]{1,6}S)?)?|[0-9]{1,6}M(?:[0-9]{1,6}S)?|[0-9"
     "]{1,6}S))?|T(?:[0-9]{1,6}H(?:[0-9]{1,6}M(?:[0-9]{1,6}S)?)?|[0-9]{1,6}M(?:[0-9]{1,6}S)?|[0-9]{"
     "1,6}S))"},
    {"email", "[A-Za-z0-9_+-]{1,30}(?:\\.[A-Za-z0-9_+-]{1,30})?@" SPUTNIK_LABEL
              "(?:\\." SPUTNIK_LABEL "){1,2}"},
    {"hostname", SPUTNIK_HOST},
    {"ipv4", SPUTNIK_BYTE "(?:\\." SPUTNIK_BYTE "){3}"},
    // RFC 4291: in full, or with zeros left out.
    {"ipv6", "(?:" SPUTNIK_H16 ":){7}" SPUTNIK_H16 "|(?:" SPUTNIK_H16 ":){1,7}:|(?:" SPUTNIK_H16
             ":){1,6}:" SPUTNIK_H16 "|(?:" SPUTNIK_H16 ":){1,5}(?::" SPUTNIK_H16
             "){2}|(?:" SPUTNIK_H16 ":){1,4}(?::" SPUTNIK_H16 "){3}|(?:" SPUTNIK_H16
             ":){1,3}(?::" SPUTNIK_H16 "){4}|(?:" SPUTNIK_H16 ":){1,2}(?::" SPUTNIK_H16
             "){5}|" SPUTNIK_H16 ":(?::" SPUTNIK_H16 "){6}|:(?::" SPUTNIK_H16 "){1,7}|::"},
    {"uuid", "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"},
    // RFC 3986, of those that name a host.
    {"uri",
     "[A-Za-z][A-Za-z0-9+.-]{0,20}://" SPUTNIK_HOST
     "(?::[0-9]{1,5})?(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*(?:\\?(?:[A-Za-z0-9._"
     "~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?(?:#(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2}"
     ")*)?"},
};

#undef SPUTNIK_DATE
#undef SPUTNIK_TIME
#undef SPUTNIK_LABEL
#undef SPUTNIK_HOST
#undef SPUTNIK_BYTE
#undef SPUTNIK_H16

}  // namespace

std::optional<std::string_view> format_pattern(std::string_view format) {
  for (const auto& [name, pattern] : kFormats) {
    if (name == format) return pattern;
  }
  return std::nullopt;
}

}  // namespace sputnik::grammar
