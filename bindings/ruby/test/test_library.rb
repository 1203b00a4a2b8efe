# frozen_string_literal: true

require_relative 'helper'
require 'open3'

# Finding and loading the C library.
class TestLibrary < Minitest::Test
  include Helper

  def test_what_is_not_our_library_is_refused_with_what_to_do
    Dir.mktmpdir do |folder|
      whole = File.binread(ENV.fetch('VERSIONER_LIBRARY'))
      files = {
        'half.so' => whole[0, whole.size / 2], 'head.so' => whole[0, 40], 'table.so' => whole[0, 100],
        'text.so' => 'no library', 'empty.so' => ''
      }.map { |name, bytes| File.join(folder, name).tap { |path| File.binwrite(path, bytes) } }
      [*files, folder, '/no/such/library.so', 'libm.so.6'].each do |path|
        output, status = require_twice(path)
        assert_predicate status, :success?, "#{path}: #{output}"
        assert_includes output, "libversioner cannot be loaded from #{path}: "
        assert_includes output, '`ldconfig`), or name its file in VERSIONER_LIBRARY'
        refute_includes output, 'warning'
      end
    end
  end

  def test_a_library_of_another_abi_version_is_refused
    script = <<~'RUBY'
      require 'versioner/header'
      Versioner::Header.send(:remove_const, :ABI_VERSION)
      Versioner::Header::ABI_VERSION = 99
    RUBY
    output, = require_twice(ENV.fetch('VERSIONER_LIBRARY'), script)
    assert_match(/ABI version is \d+ \(libversioner \d+\.\d+\.\d+\), but this gem needs 99/, output)
  end

  private

  # A program that tries again does not get another error, nor warnings.
  def require_twice(path, before = '')
    script = <<~RUBY
      #{before}
      2.times do
        require 'versioner'
        abort 'loaded'
      rescue LoadError => e
        puts e.message, e.is_a?(Versioner::LibraryError)
      end
    RUBY
    Open3.capture2e({ 'VERSIONER_LIBRARY' => path }, RbConfig.ruby, '-w', '-I', LIB, '-e', script)
  end
end
