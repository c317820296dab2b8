// Lines from standard input, with Ctrl-C as an event of its own.
#pragma once

#include <string>

namespace sputnik::cli {

class LineReader {
 public:
  enum class Event {
    kLine,
    kInterrupted,  // catch_interrupts() has caught one, or a signal came; what was typed is gone
    kEnd,
  };

  // The next line, without its line break. A last line needs none.
  Event read(std::string& line);

 private:
  std::string pending_;  // read, not handed out
};

}  // namespace sputnik::cli
