# frozen_string_literal: true

# Sends events to a server that answers at once, and prints the median in microseconds:
# ruby ruby_loop.rb URL COUNT

require 'versioner'

url, count = ARGV
client = Versioner::Client.new(api_key: 'sk_test_k1_secretsecret', api_url: url,
                               environment: {})
event = { product: 'api', version: '1.2.3', source_system: 'github', scm_branch: 'main',
          scm_sha: '4f1c2d3e5a6b7c8d9e0f4f1c2d3e5a6b', extra_metadata: { fill: '0123456789' * 70 } }
now = -> { Process.clock_gettime(Process::CLOCK_MONOTONIC, :float_microsecond) }
(count.to_i / 10).times { client.track_build(**event) }
times = Array.new(count.to_i) do
  start = now.call
  client.track_build(**event)
  now.call - start
end
puts times.sort[times.size / 2].round(2)
