#include "cost/hardware.h"

#include "formats/printable.h"

namespace sputnik {
namespace {

std::string plain(std::string_view name) {
  std::string letters;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') letters += static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) letters += c;
  }
  return letters;
}

}  // namespace

const std::vector<Hardware>& known_hardware() {
  // Peaks and memory: the makers' data sheets, without sparsity. Watts: of a DGX H100 10.2 kW and
  // of a DGX A100 6.5 kW for eight, as NVIDIA says; else of the device and half as much again.
  // Prices: what an hour is commonly offered for, but DeepSeek's own for the H800; they change.
  static const std::vector<Hardware> kHardware = {
      // DeepSeek counts 38.94 % without V3's prediction module (published.h); that is 4.1 % of the
      // FLOPs that we count in the same time, which makes 40.5 %.
      {"h800", "NVIDIA H800", 989.4e12, 1978.9e12, 80e9, 1275, 2.00, 0.405,
       "as DeepSeek measured for V3, arXiv:2505.09343, table 4, with the prediction module"},
      // 38 to 43 % of the bf16 peak for 405 billion parameters on 8 to 16 thousand.
      {"h100", "NVIDIA H100 SXM", 989.4e12, 1978.9e12, 80e9, 1275, 2.50, 0.41,
       "as Llama 3 405B on 16 thousand, arXiv:2407.21783, table 4"},
      {"h200", "NVIDIA H200 SXM", 989.4e12, 1978.9e12, 141e9, 1275, 3.50, 0.41,
       "taken to be an H100's"},
      // 380 tokens a second and GPU of 65.2 billion parameters: 6 x 65.2e9 x 380 = 149e12.
      {"a100", "NVIDIA A100 SXM 80 GB", 312e12, 0, 80e9, 812, 1.50, 0.48,
       "as LLaMA 65B on two thousand, arXiv:2302.13971, section 3"},
      {"rtx4090", "NVIDIA GeForce RTX 4090", 165.2e12, 330.3e12, 24e9, 675, 0.40, 0.40,
       "a guess; nobody has published one"},
      // nanochat's demonstration, six layers of 384 and a head of 32768: 82 million tokens in about
      // half an hour are some 6.3e12 FLOP a second.
      {"m3max", "Apple M3 Max, 40 GPU cores", 14.2e12, 0, 128e9, 90, 0.15, 0.44,
       "from nanochat's run of six layers in half an hour"},
  };
  return kHardware;
}

Result<Hardware> find_hardware(std::string_view name) {
  std::string all;
  for (const Hardware& hardware : known_hardware()) {
    if (plain(hardware.name) == plain(name)) return hardware;
    all += hardware.name + ", ";
  }
  return not_found("hardware \"{}\" is not known; there are {}and this machine: \"this\"",
                   printable(name), all);
}

}  // namespace sputnik
