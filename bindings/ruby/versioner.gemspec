# frozen_string_literal: true

require_relative 'lib/versioner/header'

Gem::Specification.new do |spec|
  spec.name = 'versioner'
  spec.version = Versioner::Header::VERSION
  spec.summary = 'Tell Versioner what is built and what is deployed where, and stop when it says no'
  spec.description = 'Tracks builds and deployments with Versioner: a client that asks before a deployment, and ' \
                     'tasks for Capistrano. A layer over the C library libversioner, which must be installed.'
  spec.homepage = 'https://github.com/versioner-io/libversioner'
  spec.authors = ['Versioner']
  spec.license = 'MIT'
  spec.required_ruby_version = '>= 2.6'
  spec.files = Dir.chdir(__dir__) { Dir['lib/**/*.{rb,rake}', 'sig/*.rbs', 'LICENSE', 'README.md'] }
  spec.require_paths = ['lib']
  spec.metadata = { 'rubygems_mfa_required' => 'true' }
  spec.add_dependency 'ffi', '~> 1.15'
end
