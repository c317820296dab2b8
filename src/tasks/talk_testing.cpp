#include "tasks/talk_testing.h"

namespace sputnik::tasks {

const TalkMaterial& shipped_talk() {
  static const TalkMaterial material =
      TalkMaterial::load(std::filesystem::path(SPUTNIK_SOURCE_DIR) / "data/talk").value();
  return material;
}

Result<TalkMaterial> parse_talk(std::string_view text) {
  const TalkFile file{"test.talk", std::string(text)};
  return TalkMaterial::parse({&file, 1});
}

}  // namespace sputnik::tasks
