// What a reader of one dialect is: the names of its files, the words that they need, and how it
// reads. Types only.
import type { Dialect } from '../flow.ts';
import type { Collector } from './collector.ts';
import type { FieldRule } from './fields.ts';
import type { Node } from './yaml-node.ts';

export type WalkOptions = {
  /** More fields, from tagproof.yaml. */
  readonly fields: readonly FieldRule[];
  /** Take images in args, command and env values too. */
  readonly argsAndEnv: boolean;
};

/** A word that any text with an image may have. */
export type Hint = {
  /**
   * The bytes of the file must contain the word of some hint; else the file is not even decoded.
   */
  readonly word: string;
  /**
   * A document must match the key of some hint; else it is not parsed. Every repeat is bounded
   * (T30).
   */
  readonly key: RegExp;
};

/** What decides the dialect of a document. */
export type DocumentShape = {
  readonly root: Node;
  /** The dialect by the file's name. */
  readonly named: Dialect;
  readonly apiVersion: string | undefined;
  /** The document has `apiVersion:` and `kind:`, as every Kubernetes object. */
  readonly isObject: boolean;
};

/** Reads one part of a file. @param toFile offset in `text` → offset in the file */
export type TextReader = (c: Collector, text: string, toFile: (offset: number) => number) => void;

type Naming = {
  /**
   * Patterns of a file's path, with `/` between folders. The first dialect of the table that
   * matches has the file.
   */
  readonly names: readonly RegExp[];
  /**
   * What a text of this dialect has where it names an image. The hints of all dialects count for
   * every file.
   */
  readonly hints: readonly Hint[];
};

export type Reader = Naming &
  (
    | {
        /** Reads the whole file, which is no YAML. A function that loads it: few files need it. */
        readonly unit: 'file';
        readonly load: () => Promise<(c: Collector) => void>;
      }
    | {
        /** Reads each document as text, because it is YAML only after rendering. */
        readonly unit: 'text';
        readonly read: TextReader;
      }
    | {
        /** Reads the tree of each document. */
        readonly unit: 'document';
        readonly read: (c: Collector, root: Node, options: WalkOptions) => void;
        /** The file's name alone decides; no other dialect may claim a document of it. */
        readonly nameDecides?: true;
        /**
         * True for a document that belongs to this dialect by its content. The first claim of the
         * table decides.
         */
        readonly claims?: (document: DocumentShape) => boolean;
      }
  );
