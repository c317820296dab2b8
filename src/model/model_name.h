// What a model is called. Distills must never pass for R1, whatever their files claim.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace sputnik {

// The folder's name; in a Hugging Face cache (models--OWNER--NAME/snapshots/REVISION) that is NAME.
std::string model_name_of_folder(const std::filesystem::path& folder);

// R1 is the DeepSeek-V3 model of 671 billion parameters alone. Qwen2 and Llama models with its name
// were trained on its answers.
bool is_distill(std::string_view architecture, std::string_view name);

// The name of a distill, with "Distill" and the family behind "R1" if it leaves them out:
// "DeepSeek-R1-7B" is "DeepSeek-R1-Distill-Qwen-7B".
std::string distill_name(std::string_view architecture, std::string_view name);

}  // namespace sputnik
