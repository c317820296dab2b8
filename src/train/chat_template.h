// How to talk to a model that was trained on our documents, for whoever runs it.
#pragma once

#include <string_view>

namespace sputnik {

// R1's form, as a Jinja template: system text behind the beginning, one control token before what a
// user and the assistant say, thoughts of earlier answers left out, a thought opened for the next.
// No tools, as the documents have none. chat/choose_template.h takes it for R1's.
std::string_view chat_template();

}  // namespace sputnik
