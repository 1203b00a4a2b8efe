# frozen_string_literal: true

require_relative 'lib/versioner/header'

# What this gem carries: nothing in a clone, one library in the gem of a platform, and for JRuby, whose
# gems have one platform for all machines, every one.
carried = Dir.chdir(__dir__) { Dir['lib/versioner/native/*/*'] }
platforms = carried.map { |file| File.basename(File.dirname(file)) }
library = carried.empty? ? 'which must be installed' : 'which it carries'

Gem::Specification.new do |spec|
  spec.name = 'versioner'
  spec.version = Versioner::Header::VERSION
  spec.summary = 'Tell Versioner what is built and what is deployed where, and stop when it says no'
  spec.description = 'Tracks builds and deployments with Versioner: a client that asks before a deployment, and ' \
                     "tasks for Capistrano. A layer over the C library libversioner, #{library}."
  spec.homepage = 'https://github.com/versioner-io/libversioner'
  spec.authors = ['Versioner']
  spec.license = 'MIT'
  spec.required_ruby_version = '>= 2.6'
  spec.platform = platforms.size > 1 ? 'java' : platforms.fetch(0, Gem::Platform::RUBY)
  # Older ones take a gem for musl to be for every Linux.
  spec.required_rubygems_version = '>= 3.3.22' if platforms.one? && platforms[0].end_with?('-musl')
  spec.files = carried + Dir.chdir(__dir__) { Dir['lib/**/*.{rb,rake}', 'sig/*.rbs', 'LICENSE', 'README.md'] }
  spec.require_paths = ['lib']
  spec.metadata = { 'rubygems_mfa_required' => 'true' }
  spec.add_dependency 'ffi', '~> 1.15'
end
